package io.thalweg.storm.act;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.thalweg.storm.cluster.Engine;
import io.thalweg.storm.cluster.Meters;
import io.thalweg.storm.cluster.NimbusLink;
import io.thalweg.storm.cluster.Rounds;
import io.thalweg.storm.cluster.Settings;
import io.thalweg.storm.cluster.StateLink;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Carries out plans, one at a time over the whole cluster, on a thread of its own. */
public final class Actuator implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Actuator.class);

    private final Map<String, Object> conf;
    private final Settings settings;
    private final Rounds rounds;
    private final Engine engine;
    private final StateLink state;
    private final Meters meters;
    private final NimbusLink nimbus;
    private final SyncClock clock = new SyncClock();
    private final LinkedBlockingQueue<Job> jobs = new LinkedBlockingQueue<>();
    private final AtomicBoolean idle = new AtomicBoolean(true);
    private final Thread thread;

    /** Makes an actuator; {@link #start} sets it to work. */
    public Actuator(Map<String, Object> conf, Settings settings, Rounds rounds, Engine engine, StateLink state,
        Meters meters) {
        this.conf = conf;
        this.settings = settings;
        this.rounds = rounds;
        this.engine = engine;
        this.state = state;
        this.meters = meters;
        this.nimbus = new NimbusLink(conf);
        this.thread = new Thread(this::work, "thalweg-actuator");
        this.thread.setDaemon(true);
    }

    /** Starts the thread. */
    public void start() {
        thread.start();
    }

    /** Takes a plan if nothing is under way, else gives it up: made for another moment, it is of no use later. */
    public void offer(Plan plan) {
        if (idle.compareAndSet(true, false)) {
            jobs.add(() -> act(plan));
        } else {
            abort(plan.id(), "BUSY", "another action is under way");
        }
    }

    /** Looks for a plan that a predecessor left behind; to be called when this Nimbus begins to lead. */
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
        nimbus.close();
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
                } catch (Exception e) {
                    meters.action("error");
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
        JsonNode left = command("resume", null);
        JsonNode json = left.path("plan");
        if (!json.isObject()) {
            return;
        }
        Plan plan = Plan.read(json);
        if (!"committed".equals(left.path("state").asText())) {
            // Supervisors ask Nimbus by themselves within ten seconds, which ends what was only prepared.
            LOG.warn("plan {} was left unfinished by a predecessor and is given up", plan.id());
            abort(plan.id(), "LEADER_CHANGED", "left unfinished by a predecessor");
            return;
        }
        LOG.info("plan {} was committed by a predecessor and is carried on", plan.id());
        Scene scene = scene();
        if (scene.reached(plan)) {
            scene.announce(plan);
            command("finish", plan.id());
        } else {
            attempt(scene, plan, List.of(new PlainRebalance(scene, plan)));
        }
    }

    private void act(Plan plan) throws Exception {
        LOG.info("plan {} for {}: {} {} on {} rows", plan.id(), plan.name(), plan.kind(), plan.counts(), plan.rows().size());
        try {
            JsonNode published = command("publish", plan.id());
            LOG.info("plan {} is published ({})", plan.id(), published.path("stored").asText("?"));
            Scene scene = scene();
            attempt(scene, plan, ways(scene, plan));
        } catch (RuntimeException e) {
            abort(plan.id(), "INTERNAL", e.toString());
            throw e;
        }
    }

    /** Tries each way until one gets beyond the point of return. */
    private void attempt(Scene scene, Plan plan, List<Way> ways) throws InterruptedException {
        ArrayNode steps = JsonNodeFactory.instance.arrayNode();
        Run.End end = new Run.End(Phase.ABORTED, "NO_WAY", "no allowed way suits a plan of kind " + plan.kind());
        for (Way way : ways) {
            end = new Run(way, plan.id(), settings.stepTimeoutMillis(), steps, step -> progress(plan.id(), step)).walk();
            if (end.phase() == Phase.CLEANED) {
                finish(scene, plan, way, steps, end);
                return;
            }
            meters.action("fallback_" + way.name());
            event(end.code(), plan.name() + ": " + way.name() + " is not possible: " + end.text());
        }
        meters.action("aborted");
        abort(plan.id(), end.code(), end.text(), steps);
    }

    private void finish(Scene scene, Plan plan, Way way, ArrayNode steps, Run.End end) {
        boolean reached = scene.reached(plan);
        meters.action(reached ? "done_" + way.name() : "unreached");
        if (!reached) {
            abort(plan.id(), end.code() == null ? "UNREACHED" : end.code(), String.valueOf(end.text()), steps);
            return;
        }
        ObjectNode finish = JsonNodeFactory.instance.objectNode().put("op", "finish").put("plan", plan.id());
        finish.put("how", way.name()).set("steps", steps);
        engine.command(finish, System.currentTimeMillis());
        LOG.info("plan {} for {} is done by {}", plan.id(), plan.name(), way.name());
    }

    /** The ways that are allowed and suit the plan, best first. */
    private List<Way> ways(Scene scene, Plan plan) {
        Settings.Method method = settings.method();
        boolean auto = method == Settings.Method.AUTO;
        List<Way> ways = new ArrayList<>();
        if ((auto || method == Settings.Method.MAKE_BEFORE_BREAK) && plan.kind() != Plan.Kind.LAYOUT) {
            ways.add(new MakeBeforeBreak(scene, plan));
        }
        if (auto || method == Settings.Method.DRAIN) {
            ways.add(new DrainAndRestart(scene, plan));
        }
        if (auto || method == Settings.Method.REBALANCE) {
            ways.add(new PlainRebalance(scene, plan));
        }
        return ways;
    }

    private Scene scene() {
        return new Scene(conf, settings, rounds, nimbus, state, engine, clock);
    }

    private void abort(String plan, String code, String text) {
        abort(plan, code, text, JsonNodeFactory.instance.arrayNode());
    }

    private void abort(String plan, String code, String text, ArrayNode steps) {
        ObjectNode abort = JsonNodeFactory.instance.objectNode().put("op", "abort").put("plan", plan);
        abort.put("code", code).put("text", text).set("steps", steps);
        engine.command(abort, System.currentTimeMillis());
    }

    /** Tells whoever watches; an action does not fail for want of it. */
    private void progress(String plan, String step) {
        try {
            ObjectNode progress = JsonNodeFactory.instance.objectNode().put("op", "progress").put("plan", plan);
            engine.command(progress.put("step", step), System.currentTimeMillis());
        } catch (RuntimeException e) {
            LOG.debug("progress of {} is not noted", plan, e);
        }
    }

    private void event(String code, String text) {
        ObjectNode event = JsonNodeFactory.instance.objectNode().put("op", "event");
        engine.command(event.put("code", code).put("text", text), System.currentTimeMillis());
    }

    private JsonNode command(String op, String plan) {
        ObjectNode command = JsonNodeFactory.instance.objectNode().put("op", op);
        if (plan != null) {
            command.put("plan", plan);
        }
        return engine.command(command, System.currentTimeMillis());
    }
}
