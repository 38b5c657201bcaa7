package io.thalweg.flink.act;

import io.thalweg.shell.Deadline;
import io.thalweg.shell.Desk;
import io.thalweg.shell.Phase;
import io.thalweg.shell.Plan;
import io.thalweg.shell.StepFailed;
import io.thalweg.shell.StepFailed.Code;
import io.thalweg.shell.Way;
import java.io.IOException;

/** Asks for another parallelism and leaves it to Flink's own scheduler when to restart the job, and where. */
final class RestRescale implements Way {
    private final Plan plan;
    private final Bounds bounds;
    private final Desk desk;

    RestRescale(Plan plan, Bounds bounds, Desk desk) {
        this.plan = plan;
        this.bounds = bounds;
        this.desk = desk;
    }

    @Override
    public String name() {
        return "rest_rescale";
    }

    @Override
    public void perform(Phase phase, Deadline deadline) throws Exception {
        switch (phase) {
            case PREPARE -> bounds.ask();
            case STARTED -> deadline.await("the wished parallelism", this::looksReached);
            case SWITCHED -> desk.commit(plan.id());
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
