package io.thalweg.storm.act;

import io.thalweg.shell.Deadline;
import io.thalweg.shell.Phase;
import io.thalweg.shell.Plan;
import io.thalweg.shell.Way;

/** Storm's own rebalance, with the plan's counts; every changed worker restarts. */
final class PlainRebalance implements Way {
    private final Scene scene;
    private final Plan plan;
    private final Commit commit;

    PlainRebalance(Scene scene, Plan plan) {
        this.scene = scene;
        this.plan = plan;
        this.commit = new Commit(scene, plan);
    }

    @Override
    public String name() {
        return "rebalance";
    }

    @Override
    public void perform(Phase phase, Deadline deadline) throws Exception {
        switch (phase) {
            case PREPARE, STARTED -> scene.topology(plan);
            case SWITCHED -> {
                commit.place();
                if (commit.needsRebalance()) {
                    commit.rebalance(scene.settings().rebalanceWaitSecs(), deadline);
                }
            }
            case COMMITTED -> {
                long wait = 1000L * scene.settings().rebalanceWaitSecs();
                deadline.later(wait).await("Nimbus to hold the plan", () -> scene.reached(plan));
                scene.announce(plan);
            }
            default -> throw new IllegalStateException("no work in " + phase);
        }
    }

    @Override
    public void back() {
        // Nothing was done yet.
    }

    @Override
    public void end() {
        // Nothing temporary was made.
    }
}
