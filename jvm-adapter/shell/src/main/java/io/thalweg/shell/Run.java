package io.thalweg.shell;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.thalweg.shell.Phase.Result;
import io.thalweg.shell.StepFailed.Code;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Walks one way through its phases and keeps the record of it. */
final class Run {
    private static final Logger LOG = LoggerFactory.getLogger(Run.class);

    /** How a run ended; without a code nothing failed. */
    record End(Phase phase, String code, String text) { }

    private final Way way;
    private final String plan;
    private final long stepMillis;
    private final ArrayNode steps;
    private final Desk desk;
    private final Deadline.Check check;

    /**
     * Prepares a walk.
     *
     * @param check fails once no step makes sense any more
     * @param steps receives the record of every step
     * @param desk learns how far the walk has come
     */
    Run(Way way, String plan, long stepMillis, Deadline.Check check, ArrayNode steps, Desk desk) {
        this.desk = desk;
        this.way = way;
        this.plan = plan;
        this.stepMillis = stepMillis;
        this.check = check;
        this.steps = steps;
    }

    /** Does the work of every phase until one is the last. Interrupted, it leaves the cluster as it is. */
    End walk() throws InterruptedException {
        try {
            return walkOn();
        } catch (InterruptedException e) {
            way.abandon();
            throw e;
        }
    }

    private End walkOn() throws InterruptedException {
        Failure first = perform("BEGIN", () -> desk.begin(plan, way.name()));
        if (first != null) {
            return new End(Phase.ABORTED.unless(first.deposed()), first.code, first.text);
        }
        Phase phase = Phase.PREPARE;
        while (!phase.last()) {
            Failure failure = step(phase);
            first = first == null ? failure : first;
            phase = phase.after(failure == null ? Result.DONE : failure.deposed() ? Result.DEPOSED : Result.FAILED);
        }
        if (phase == Phase.ABORTED) {
            Failure left = attempt("BACK", way::back);
            phase = phase.unless(left != null && left.deposed());
        }
        if (phase != Phase.ABANDONED) {
            Failure left = attempt("END", way::end);
            first = first == null ? left : first;
            phase = phase.unless(left != null && left.deposed());
        }
        if (phase == Phase.ABANDONED) {
            attempt("ABANDON", way::abandon);
        } else if (phase == Phase.ABORTED && first != null) {
            desk.failed(plan, first.code, first.text);
        }
        return first == null ? new End(phase, null, null) : new End(phase, first.code, first.text);
    }

    private record Failure(String code, String text) {
        boolean deposed() {
            return code.equals(Code.LEADERSHIP_LOST.name());
        }
    }

    /** The work of a step. */
    @FunctionalInterface
    private interface Work {
        void perform() throws Exception;
    }

    private Failure step(Phase phase) throws InterruptedException {
        return attempt(phase.name(), () -> {
            way.perform(phase, Deadline.in(stepMillis, check));
            if (phase == Phase.STARTED) {
                desk.switched(plan);
            }
        });
    }

    /** Does something and keeps record of it. */
    private Failure attempt(String name, Work work) throws InterruptedException {
        long begun = System.currentTimeMillis();
        desk.progress(plan, way.name() + "." + name);
        Failure failure = perform(name, work);
        long took = System.currentTimeMillis() - begun;
        steps.add(JsonNodeFactory.instance.objectNode().put("step", way.name() + "." + name).put("started_at", begun)
            .put("ms", took).put("ok", failure == null).put("text", failure == null ? "" : failure.code + ": " + failure.text));
        LOG.info("plan {} {} {} ended after {} ms", plan, way.name(), name, took);
        return failure;
    }

    private Failure perform(String name, Work work) throws InterruptedException {
        Failure failure;
        try {
            work.perform();
            return null;
        } catch (InterruptedException e) {
            throw e;
        } catch (StepFailed e) {
            failure = new Failure(e.code().name(), e.getMessage());
        } catch (Throwable e) {
            // An Error too has to lead back: what was done meanwhile would stay as it is.
            failure = new Failure(Code.ENGINE_REFUSED.name(), e.toString());
        }
        LOG.warn("plan {} {} {} failed: {}: {}", plan, way.name(), name, failure.code, failure.text);
        return failure;
    }
}
