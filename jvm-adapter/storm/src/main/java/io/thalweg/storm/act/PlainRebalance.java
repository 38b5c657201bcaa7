package io.thalweg.storm.act;

import io.thalweg.shell.Deadline;
import io.thalweg.shell.Phase;
import io.thalweg.shell.Plan;
import io.thalweg.shell.Strategy;

/** Storm's own rebalance, with the plan's counts; every changed worker restarts. */
final class PlainRebalance implements Strategy {
    private final ActionContext context;
    private final Plan plan;
    private final Commit commit;

    PlainRebalance(ActionContext context, Plan plan) {
        this.context = context;
        this.plan = plan;
        this.commit = new Commit(context, plan);
    }

    @Override
    public String name() {
        return "rebalance";
    }

    @Override
    public void perform(Phase phase, Deadline deadline) throws Exception {
        switch (phase) {
            case PREPARE, STARTED -> {
                context.topology(plan);
                commit.requireAllowed();
            }
            case SWITCHED -> {
                commit.place();
                if (commit.needsRebalance()) {
                    commit.rebalance(context.settings().rebalanceWaitSecs(), deadline);
                }
            }
            case COMMITTED -> {
                long wait = 1000L * context.settings().rebalanceWaitSecs();
                deadline.later(wait).await("Nimbus to hold the plan", () -> context.reached(plan));
                context.announce(plan);
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
