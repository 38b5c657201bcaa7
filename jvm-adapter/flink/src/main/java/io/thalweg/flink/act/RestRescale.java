package io.thalweg.flink.act;

import io.thalweg.flink.measure.Recovery;
import io.thalweg.shell.Deadline;
import io.thalweg.shell.EngineFacade;
import io.thalweg.shell.Phase;
import io.thalweg.shell.Plan;
import io.thalweg.shell.StepFailed;
import io.thalweg.shell.StepFailed.Code;
import io.thalweg.shell.Strategy;
import java.io.IOException;
import java.util.concurrent.Callable;

/** Asks for another parallelism and leaves it to Flink's own scheduler when to restart the job, and where. */
final class RestRescale implements Strategy {
    /** Failures that are no accident; REST tells each only some seconds later. */
    private static final int MOST_FAILURES = 3;
    private static final long CALM_MILLIS = 4_000;

    private final Plan plan;
    private final Bounds bounds;
    private final EngineFacade facade;
    private final Callable<Recovery> recovery;
    private int failed;
    private long calmSince = System.currentTimeMillis();

    /** @param recovery tells whether a restart is allowed at this moment */
    RestRescale(Plan plan, Bounds bounds, EngineFacade facade, Callable<Recovery> recovery) {
        this.plan = plan;
        this.bounds = bounds;
        this.facade = facade;
        this.recovery = recovery;
    }

    @Override
    public String name() {
        return "rest_rescale";
    }

    @Override
    public void perform(Phase phase, Deadline deadline) throws Exception {
        switch (phase) {
            case PREPARE -> {
                Recovery now = recovery.call();
                if (now != Recovery.POSSIBLE) {
                    throw new StepFailed(Code.CHECKPOINTS_MISSING, "the job's checkpoints are " + now
                            + ", so a restart would lose its state");
                }
                bounds.countFailures();
                bounds.ask();
            }
            case STARTED -> deadline.await("the desired parallelism", this::runsOn);
            case SWITCHED -> facade.commit(plan.id());
            default -> { }
        }
    }

    @Override
    public void back() throws Exception {
        bounds.undo();
    }

    @Override
    public void end() {
        // nothing temporary
    }

    /** Whether the job has run as asked for a while. */
    private boolean runsOn() throws StepFailed, InterruptedException {
        int failures = failures();
        if (failures >= MOST_FAILURES) {
            throw new StepFailed(Code.RESTARTS_AGAIN,
                    "the job failed " + failures + " times with other parallelism, last " + bounds.lastFailure());
        }
        if (failures != failed || !looksReached()) {
            failed = failures;
            calmSince = System.currentTimeMillis();
        }
        return System.currentTimeMillis() - calmSince >= CALM_MILLIS;
    }

    private int failures() throws InterruptedException {
        try {
            return bounds.failures();
        } catch (IOException e) {
            return failed;
        }
    }

    boolean reached() {
        try {
            return looksReached();
        } catch (StepFailed e) {
            return false;
        }
    }

    private boolean looksReached() throws StepFailed {
        try {
            return bounds.reached();
        } catch (IOException e) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StepFailed(Code.ENGINE_REFUSED, "interrupted", e);
        }
    }
}
