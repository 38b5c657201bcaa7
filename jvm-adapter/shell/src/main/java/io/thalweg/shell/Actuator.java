package io.thalweg.shell;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.thalweg.bridge.ThalwegException;
import io.thalweg.bridge.ThalwegException.Code;
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

    private final EngineFacade facade;
    private final Function<Plan, ClusterState> clusterStates;
    private final long stepTimeoutMillis;
    private final Consumer<String> meter;
    private final LinkedBlockingQueue<Job> jobs = new LinkedBlockingQueue<>();
    private final AtomicBoolean idle = new AtomicBoolean(true);
    private final Thread thread;

    /**
     * Makes an actuator; {@link #start} sets it to work.
     *
     * @param clusterStates looks at the cluster for one plan
     * @param meter counts how actions ended
     */
    public Actuator(EngineFacade facade, Function<Plan, ClusterState> clusterStates, long stepTimeoutMillis, Consumer<String> meter) {
        this.facade = facade;
        this.clusterStates = clusterStates;
        this.stepTimeoutMillis = stepTimeoutMillis;
        this.meter = meter;
        this.thread = Threads.of("thalweg-actuator", this::work);
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
        Threads.stop(thread);
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
        LOG.info("plan {} for {}: {} {} on {} rows", plan.id(), Visible.text(plan.name()), plan.kind(),
            Visible.text(plan.counts().toString()), plan.rows().size());
        try {
            if (publish(plan)) {
                ClusterState clusterState = clusterStates.apply(plan);
                attempt(clusterState, plan, clusterState.strategies());
            }
        } catch (RuntimeException | Error e) {
            abort(plan.id(), "INTERNAL", e.toString());
            throw e;
        }
    }

    /** Has a plan stored where a successor finds it; one that cannot be is given up before anything has begun. */
    private boolean publish(Plan plan) {
        try {
            LOG.info("plan {} is published ({})", plan.id(), facade.publish(plan.id()));
            return true;
        } catch (ThalwegException e) {
            if (e.code() != Code.STORE) {
                throw e;
            }
            meter.accept("aborted");
            LOG.warn("plan {} for {} is given up: {}", plan.id(), Visible.text(plan.name()), e.getMessage());
            abort(plan.id(), e.code().name(), e.getMessage());
            return false;
        }
    }

    /** Does what is due for an action of a predecessor, or for one of ours that was left when something failed. */
    private void catchUp(JsonNode due) throws Exception {
        if (!due.isObject()) {
            return;
        }
        Plan plan = Plan.read(due.required("plan"));
        ClusterState clusterState = clusterStates.apply(plan);
        boolean forward = "carry_on".equals(due.path("what").asText());
        LOG.info("plan {} for {} was left unfinished and is {}", plan.id(), Visible.text(plan.name()),
            forward ? "carried on" : "taken back");
        if (forward) {
            carryOn(clusterState, plan, due.path("done"));
        } else {
            undo(clusterState, plan, due.path("done"));
        }
    }

    private void carryOn(ClusterState clusterState, Plan plan, JsonNode done) throws Exception {
        if (!clusterState.reached()) {
            attempt(clusterState, plan, clusterState.carryOn());
            // Whatever is left to be taken back is due again at the next look.
            return;
        }
        clusterState.settle();
        undo(clusterState, plan, done);
        facade.finish(plan.id(), "", JsonNodeFactory.instance.arrayNode());
    }

    /** Takes back what was done, newest first. What fails is due again at the next look. */
    private void undo(ClusterState clusterState, Plan plan, JsonNode done) throws Exception {
        for (int i = done.size() - 1; i >= 0; i--) {
            facade.requireLeadership();
            clusterState.undo(done.get(i));
            facade.undone(plan.id(), done.get(i));
            LOG.info("plan {} for {}: taken back: {}", plan.id(), Visible.text(plan.name()), done.get(i));
        }
    }

    /** Tries each way until one gets beyond the point of return. */
    private void attempt(ClusterState clusterState, Plan plan, List<Strategy> strategies) throws InterruptedException {
        ArrayNode steps = JsonNodeFactory.instance.arrayNode();
        Run.End end = new Run.End(Phase.ABORTED, "NO_WAY", "no allowed way suits a plan of kind " + plan.kind());
        Deadline.Check check = () -> {
            facade.checkLeadership();
            clusterState.check();
        };
        for (Strategy strategy : strategies) {
            end = new Run(strategy, plan.id(), stepTimeoutMillis, check, steps, facade).walk();
            if (end.phase() == Phase.CLEANED) {
                finish(clusterState, plan, strategy, steps, end);
                return;
            }
            if (end.phase() == Phase.ABANDONED) {
                meter.accept("abandoned");
                LOG.warn("plan {} for {} is left to whoever leads now: {}", plan.id(), Visible.text(plan.name()),
                    Visible.text(end.text()));
                facade.lose();
                return;
            }
            meter.accept("fallback_" + strategy.name());
            facade.event(end.code(), plan.name() + ": " + strategy.name() + " is not possible: " + end.text());
        }
        meter.accept("aborted");
        facade.abort(plan.id(), end.code(), end.text(), steps);
    }

    private void finish(ClusterState clusterState, Plan plan, Strategy strategy, ArrayNode steps, Run.End end) {
        boolean reached = clusterState.reached();
        meter.accept(reached ? "done_" + strategy.name() : "unreached");
        if (!reached) {
            facade.abort(plan.id(), Objects.requireNonNullElse(end.code(), "UNREACHED"),
                Objects.requireNonNullElse(end.text(), "every step was done, but what runs is not what was desired"), steps);
            return;
        }
        facade.finish(plan.id(), strategy.name(), steps);
        LOG.info("plan {} for {} is done by {}", plan.id(), Visible.text(plan.name()), strategy.name());
    }

    private void abort(String plan, String code, String text) {
        facade.abort(plan, code, text, JsonNodeFactory.instance.arrayNode());
    }
}
