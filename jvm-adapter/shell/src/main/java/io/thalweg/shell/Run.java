package io.thalweg.shell;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.thalweg.shell.Phase.Result;
import java.util.function.Consumer;
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
    private final Consumer<String> progress;
    private final Deadline.Check check;

    /**
     * Prepares a walk.
     *
     * @param check fails once no step makes sense any more
     * @param steps receives the record of every step
     * @param progress is told of every step that begins
     */
    Run(Way way, String plan, long stepMillis, Deadline.Check check, ArrayNode steps, Consumer<String> progress) {
        this.progress = progress;
        this.way = way;
        this.plan = plan;
        this.stepMillis = stepMillis;
        this.check = check;
        this.steps = steps;
    }

    /** Does the work of every phase until one is the last. */
    End walk() throws InterruptedException {
        Phase phase = Phase.PREPARE;
        String code = null;
        String text = null;
        while (!phase.last()) {
            Failure failure = step(phase.name(), phase);
            if (failure != null && code == null) {
                code = failure.code;
                text = failure.text;
            }
            phase = phase.after(failure == null ? Result.DONE : Result.FAILED);
        }
        if (phase == Phase.ABORTED) {
            step("BACK", null);
        }
        Failure left = step("END", Phase.CLEANED);
        return new End(phase, code == null && left != null ? left.code : code, text == null && left != null ? left.text : text);
    }

    private record Failure(String code, String text) { }

    private Failure step(String name, Phase phase) throws InterruptedException {
        long begun = System.currentTimeMillis();
        progress.accept(way.name() + "." + name);
        Failure failure = null;
        try {
            if (phase == null) {
                way.back();
            } else if (phase == Phase.CLEANED) {
                way.end();
            } else {
                way.perform(phase, Deadline.in(stepMillis, check));
            }
        } catch (InterruptedException e) {
            throw e;
        } catch (StepFailed e) {
            failure = new Failure(e.code().name(), e.getMessage());
        } catch (Throwable e) {
            // An Error too has to lead back: what was done meanwhile would stay as it is.
            failure = new Failure(StepFailed.Code.ENGINE_REFUSED.name(), e.toString());
        }
        long took = System.currentTimeMillis() - begun;
        steps.add(JsonNodeFactory.instance.objectNode().put("step", way.name() + "." + name).put("started_at", begun)
            .put("ms", took).put("ok", failure == null).put("text", failure == null ? "" : failure.code + ": " + failure.text));
        if (failure == null) {
            LOG.info("plan {} {} {} done in {} ms", plan, way.name(), name, took);
        } else {
            LOG.warn("plan {} {} {} failed after {} ms: {}: {}", plan, way.name(), name, took, failure.code, failure.text);
        }
        return failure;
    }
}
