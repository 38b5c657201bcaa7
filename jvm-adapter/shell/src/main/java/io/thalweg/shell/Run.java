package io.thalweg.shell;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.thalweg.shell.Phase.Result;
import io.thalweg.shell.StepFailed.Code;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Walks one way through its phases and keeps the record of it. */
final class Run {
    private static final Logger LOG = LoggerFactory.getLogger(Run.class);

    /** How a run ended; without a code nothing failed. */
    record End(Phase phase, String code, String text) { }

    private final Strategy strategy;
    private final String plan;
    private final long stepMillis;
    private final ArrayNode steps;
    private final EngineFacade facade;
    private final Deadline.Check check;

    /**
     * Prepares a walk.
     *
     * @param check fails once no step makes sense any more
     * @param steps receives the record of every step
     * @param facade learns how far the walk has come
     */
    Run(Strategy strategy, String plan, long stepMillis, Deadline.Check check, ArrayNode steps, EngineFacade facade) {
        this.facade = facade;
        this.strategy = strategy;
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
            strategy.abandon();
            throw e;
        }
    }

    private End walkOn() throws InterruptedException {
        Failure first = perform("BEGIN", () -> facade.begin(plan, strategy.name()));
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
            Failure left = attempt("BACK", strategy::back);
            phase = phase.unless(left != null && left.deposed());
        }
        if (phase != Phase.ABANDONED) {
            Failure left = attempt("END", strategy::end);
            first = first == null ? left : first;
            phase = phase.unless(left != null && left.deposed());
        }
        if (phase == Phase.ABANDONED) {
            attempt("ABANDON", strategy::abandon);
        } else if (phase == Phase.ABORTED && first != null) {
            facade.failed(plan, first.code, first.text);
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
        Failure failure = attempt(phase.name(), () -> {
            strategy.perform(phase, Deadline.in(stepMillis, check));
            if (phase == Phase.STARTED) {
                facade.switched(plan);
            }
        });
        String remark = strategy.remark(phase);
        if (failure == null && !remark.isEmpty()) {
            ((ObjectNode) steps.get(steps.size() - 1)).put("text", remark);
            LOG.warn("plan {} {} {}: {}", plan, strategy.name(), phase, remark);
        }
        return failure;
    }

    /** Does something and keeps record of it. */
    private Failure attempt(String name, Work work) throws InterruptedException {
        long begun = System.currentTimeMillis();
        facade.progress(plan, strategy.name() + "." + name);
        Failure failure = perform(name, work);
        long took = System.currentTimeMillis() - begun;
        steps.add(JsonNodeFactory.instance.objectNode().put("step", strategy.name() + "." + name).put("started_at", begun)
            .put("ms", took).put("ok", failure == null).put("text", failure == null ? "" : failure.code + ": " + failure.text));
        LOG.info("plan {} {} {} ended after {} ms", plan, strategy.name(), name, took);
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
        LOG.warn("plan {} {} {} failed: {}: {}", plan, strategy.name(), name, failure.code, Visible.text(failure.text));
        return failure;
    }
}
