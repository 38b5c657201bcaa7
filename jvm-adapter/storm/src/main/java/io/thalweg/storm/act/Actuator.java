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
import java.util.List;
import java.util.Map;
import java.util.concurrent.LinkedBlockingQueue;
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
    private final LinkedBlockingQueue<Plan> waiting = new LinkedBlockingQueue<>();
    private final Thread thread;
    private volatile boolean busy;

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

    /** Takes a plan if none is under way; a plan made for another moment is of no use later. */
    public boolean offer(Plan plan) {
        synchronized (waiting) {
            return !busy && waiting.isEmpty() && waiting.add(plan);
        }
    }

    /** Asks the engine for a plan that a predecessor left behind, when this Nimbus begins to lead. */
    public void resume() {
        JsonNode left = command("resume", null);
        JsonNode plan = left.get("plan");
        if (plan == null || plan.isNull()) {
            return;
        }
        String id = plan.required("id").asText();
        if ("committed".equals(left.path("state").asText())) {
            LOG.info("plan {} was committed by a predecessor, rounds go on placing it", id);
            waitReached(Plan.read(plan));
        } else {
            // Supervisors ask Nimbus by themselves within ten seconds, which ends what was only prepared.
            LOG.warn("plan {} was left unfinished by a predecessor and is given up", id);
            abort(id, "LEADER_CHANGED", "left unfinished by a predecessor");
        }
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

    private void work() {
        try {
            while (true) {
                Plan plan = waiting.take();
                synchronized (waiting) {
                    busy = true;
                }
                try {
                    act(plan);
                } catch (Exception e) {
                    if (e instanceof InterruptedException i) {
                        throw i;
                    }
                    LOG.error("plan {} ended in an unexpected way", plan.id(), e);
                    meters.action("error");
                    abort(plan.id(), "INTERNAL", e.toString());
                } finally {
                    busy = false;
                }
            }
        } catch (InterruptedException e) {
            LOG.info("actuator ends");
        }
    }

    /** Publishes the routing table, then tries each way until one gets beyond the point of return. */
    private void act(Plan plan) throws Exception {
        LOG.info("plan {} for {}: {} {} on {} rows", plan.id(), plan.name(), plan.kind(), plan.counts(), plan.rows().size());
        JsonNode published = command("publish", plan.id());
        LOG.info("plan {} is published ({})", plan.id(), published.path("stored").asText("?"));
        Scene scene = new Scene(conf, settings, rounds, nimbus, state, engine, clock);
        ArrayNode steps = JsonNodeFactory.instance.arrayNode();
        Run.End end = null;
        for (Way way : ways(scene, plan)) {
            end = new Run(way, plan.id(), settings.stepTimeoutMillis(), steps).walk();
            if (end.phase() == Phase.CLEANED) {
                finish(scene, plan, way, steps, end);
                return;
            }
            meters.action("fallback_" + way.name());
            event(end.code(), plan.name() + ": " + way.name() + " is not possible: " + end.text());
        }
        meters.action("aborted");
        abort(plan.id(), end == null ? "NO_WAY" : end.code(), end == null ? "no way is allowed" : end.text());
    }

    private void finish(Scene scene, Plan plan, Way way, ArrayNode steps, Run.End end) {
        boolean reached = scene.reached(plan);
        meters.action(reached ? "done_" + way.name() : "unreached");
        if (!reached) {
            abort(plan.id(), end.code() == null ? "UNREACHED" : end.code(), String.valueOf(end.text()));
            return;
        }
        ObjectNode finish = JsonNodeFactory.instance.objectNode().put("op", "finish").put("plan", plan.id());
        finish.put("how", way.name()).set("steps", steps);
        engine.command(finish, System.currentTimeMillis());
        LOG.info("plan {} for {} is done by {}", plan.id(), plan.name(), way.name());
    }

    private List<Way> ways(Scene scene, Plan plan) {
        Way best = new MakeBeforeBreak(scene, plan);
        Way drain = new DrainAndRestart(scene, plan);
        Way plain = new PlainRebalance(scene, plan);
        return switch (settings.method()) {
            case AUTO -> List.of(best, drain, plain);
            case MAKE_BEFORE_BREAK -> List.of(best);
            case DRAIN -> List.of(drain);
            case REBALANCE -> List.of(plain);
        };
    }

    private void waitReached(Plan plan) {
        LOG.info("plan {} is taken over", plan.id());
        command("finish", plan.id());
    }

    private void abort(String plan, String code, String text) {
        ObjectNode abort = JsonNodeFactory.instance.objectNode().put("op", "abort").put("plan", plan);
        engine.command(abort.put("code", code).put("text", text), System.currentTimeMillis());
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
