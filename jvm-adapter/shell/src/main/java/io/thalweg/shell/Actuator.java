package io.thalweg.shell;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Carries out plans, one at a time over the whole cluster, on a thread of its own.
 *
 * <p>Nothing that goes wrong ends the thread: an action that ends in an unexpected way is reported to the engine, which
 * knows what was done and has it taken back at the next look.
 */
public final class Actuator implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Actuator.class);

    private final Desk desk;
    private final Function<Plan, Stage> stages;
    private final long stepTimeoutMillis;
    private final Consumer<String> meter;
    private final LinkedBlockingQueue<Job> jobs = new LinkedBlockingQueue<>();
    private final AtomicBoolean idle = new AtomicBoolean(true);
    private final Thread thread;

    /**
     * Makes an actuator; {@link #start} sets it to work.
     *
     * @param stages looks at the cluster for one plan
     * @param meter counts how actions ended
     */
    public Actuator(Desk desk, Function<Plan, Stage> stages, long stepTimeoutMillis, Consumer<String> meter) {
        this.desk = desk;
        this.stages = stages;
        this.stepTimeoutMillis = stepTimeoutMillis;
        this.meter = meter;
        this.thread = new Thread(this::work, "thalweg-actuator");
        this.thread.setDaemon(true);
        // Without one of its own, the engine's takes down the whole process.
        this.thread.setUncaughtExceptionHandler((ended, cause) -> LOG.error("{} ended", ended.getName(), cause));
    }

    /** Starts the thread. */
    public void start() {
        thread.start();
    }

    /** Takes a plan as the engine writes it; one that cannot be read is given up, or nothing would follow it. */
    public void offer(JsonNode json) {
        Plan plan;
        try {
            plan = Plan.read(json);
        } catch (RuntimeException | LinkageError e) {
            LOG.error("a plan cannot be read", e);
            abort(json.path("id").asText(), "INTERNAL", "the plan cannot be read: " + e);
            return;
        }
        offer(plan);
    }

    /** Takes a plan if nothing is under way, else gives it up: made for another moment, it is of no use later. */
    private void offer(Plan plan) {
        if (idle.compareAndSet(true, false)) {
            jobs.add(() -> act(plan));
        } else {
            abort(plan.id(), "BUSY", "another action is under way");
        }
    }

    /** Takes what the engine says is due for an action that nobody is at work on; nothing if somebody is. */
    public void due(JsonNode due) {
        if (due.isObject() && idle.compareAndSet(true, false)) {
            jobs.add(() -> catchUp(due));
        }
    }

    /** Whether nothing is under way here. */
    public boolean isIdle() {
        return idle.get();
    }

    @Override
    public void close() {
        thread.interrupt();
        try {
            thread.join(5000);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** What the thread is to do. */
    @FunctionalInterface
    private interface Job {
        void run() throws Exception;
    }

    private void work() {
        try {
            while (true) {
                Job job = jobs.take();
                try {
                    job.run();
                } catch (InterruptedException e) {
                    throw e;
                } catch (Throwable e) {
                    // An Error would end this thread, and later plans would wait for ever.
                    meter.accept("error");
                    LOG.error("an action ended in an unexpected way", e);
                } finally {
                    idle.set(jobs.isEmpty());
                }
            }
        } catch (InterruptedException e) {
            LOG.info("actuator ends");
        }
    }

    private void act(Plan plan) throws Exception {
        LOG.info("plan {} for {}: {} {} on {} rows", plan.id(), plan.name(), plan.kind(), plan.counts(), plan.rows().size());
        try {
            LOG.info("plan {} is published ({})", plan.id(), desk.publish(plan.id()));
            Stage stage = stages.apply(plan);
            attempt(stage, plan, stage.ways());
        } catch (RuntimeException | Error e) {
            abort(plan.id(), "INTERNAL", e.toString());
            throw e;
        }
    }

    /** Does what is due for an action of a predecessor, or for one of ours that was left when something failed. */
    private void catchUp(JsonNode due) throws Exception {
        if (!due.isObject()) {
            return;
        }
        Plan plan = Plan.read(due.required("plan"));
        Stage stage = stages.apply(plan);
        boolean forward = "carry_on".equals(due.path("what").asText());
        LOG.info("plan {} for {} was left unfinished and is {}", plan.id(), plan.name(), forward ? "carried on" : "taken back");
        if (forward) {
            carryOn(stage, plan, due.path("done"));
        } else {
            undo(stage, plan, due.path("done"));
        }
    }

    private void carryOn(Stage stage, Plan plan, JsonNode done) throws Exception {
        if (!stage.reached()) {
            attempt(stage, plan, stage.carryOn());
            // Whatever is left to be taken back is due again at the next look.
            return;
        }
        stage.settle();
        undo(stage, plan, done);
        desk.finish(plan.id(), "", JsonNodeFactory.instance.arrayNode());
    }

    /** Takes back what was done, newest first. What fails is due again at the next look. */
    private void undo(Stage stage, Plan plan, JsonNode done) throws Exception {
        for (int i = done.size() - 1; i >= 0; i--) {
            desk.requireLeadership();
            stage.undo(done.get(i));
            desk.undone(plan.id(), done.get(i));
            LOG.info("plan {} for {}: taken back: {}", plan.id(), plan.name(), done.get(i));
        }
    }

    /** Tries each way until one gets beyond the point of return. */
    private void attempt(Stage stage, Plan plan, List<Way> ways) throws InterruptedException {
        ArrayNode steps = JsonNodeFactory.instance.arrayNode();
        Run.End end = new Run.End(Phase.ABORTED, "NO_WAY", "no allowed way suits a plan of kind " + plan.kind());
        Deadline.Check check = () -> {
            desk.checkLeadership();
            stage.check();
        };
        for (Way way : ways) {
            end = new Run(way, plan.id(), stepTimeoutMillis, check, steps, desk).walk();
            if (end.phase() == Phase.CLEANED) {
                finish(stage, plan, way, steps, end);
                return;
            }
            if (end.phase() == Phase.ABANDONED) {
                meter.accept("abandoned");
                LOG.warn("plan {} for {} is left to whoever leads now: {}", plan.id(), plan.name(), end.text());
                desk.lose();
                return;
            }
            meter.accept("fallback_" + way.name());
            desk.event(end.code(), plan.name() + ": " + way.name() + " is not possible: " + end.text());
        }
        meter.accept("aborted");
        desk.abort(plan.id(), end.code(), end.text(), steps);
    }

    private void finish(Stage stage, Plan plan, Way way, ArrayNode steps, Run.End end) {
        boolean reached = stage.reached();
        meter.accept(reached ? "done_" + way.name() : "unreached");
        if (!reached) {
            desk.abort(plan.id(), Objects.requireNonNullElse(end.code(), "UNREACHED"),
                Objects.requireNonNullElse(end.text(), "every step was done, but what runs is not what was wished"), steps);
            return;
        }
        desk.finish(plan.id(), way.name(), steps);
        LOG.info("plan {} for {} is done by {}", plan.id(), plan.name(), way.name());
    }

    private void abort(String plan, String code, String text) {
        desk.abort(plan, code, text, JsonNodeFactory.instance.arrayNode());
    }
}
