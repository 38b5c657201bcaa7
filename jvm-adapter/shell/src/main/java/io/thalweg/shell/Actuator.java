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

/** Carries out plans, one at a time over the whole cluster, on a thread of its own. */
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

    /** Looks for a plan that a predecessor left behind; to be called when this process begins to lead. */
    public void resume() {
        idle.set(false);
        jobs.add(this::takeOver);
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

    private void takeOver() throws Exception {
        JsonNode left = desk.resume();
        JsonNode json = left.path("plan");
        if (!json.isObject()) {
            return;
        }
        Plan plan = Plan.read(json);
        if (!"committed".equals(left.path("state").asText())) {
            // What was only prepared ends by itself.
            LOG.warn("plan {} was left unfinished by a predecessor and is given up", plan.id());
            abort(plan.id(), "LEADER_CHANGED", "left unfinished by a predecessor");
            return;
        }
        LOG.info("plan {} was committed by a predecessor and is carried on", plan.id());
        Stage stage = stages.apply(plan);
        if (stage.reached()) {
            stage.settle();
            desk.finish(plan.id(), "", JsonNodeFactory.instance.arrayNode());
        } else {
            attempt(stage, plan, stage.carryOn());
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

    /** Tries each way until one gets beyond the point of return. */
    private void attempt(Stage stage, Plan plan, List<Way> ways) throws InterruptedException {
        ArrayNode steps = JsonNodeFactory.instance.arrayNode();
        Run.End end = new Run.End(Phase.ABORTED, "NO_WAY", "no allowed way suits a plan of kind " + plan.kind());
        for (Way way : ways) {
            end = new Run(way, plan.id(), stepTimeoutMillis, stage::check, steps, step -> desk.progress(plan.id(), step))
                .walk();
            if (end.phase() == Phase.CLEANED) {
                finish(stage, plan, way, steps, end);
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
