package io.thalweg.shell;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What is asked of the engine, and reported to it, while plans are carried out. */
public final class Desk {
    private static final Logger LOG = LoggerFactory.getLogger(Desk.class);

    private final Engine engine;

    /** Speaks to this engine. */
    public Desk(Engine engine) {
        this.engine = engine;
    }

    /** Has the plan's routing table stored, and says where. */
    public String publish(String plan) {
        return send(request("publish", plan)).path("stored").asText("?");
    }

    /** From now on the plan's routes count. */
    public void commit(String plan) {
        send(request("commit", plan));
    }

    /** The plan is what runs. */
    public void finish(String plan, String how, ArrayNode steps) {
        ObjectNode finish = request("finish", plan).put("how", how);
        finish.set("steps", steps);
        send(finish);
    }

    /** The plan is given up. */
    public void abort(String plan, String code, String text, ArrayNode steps) {
        ObjectNode abort = request("abort", plan).put("code", code).put("text", text);
        abort.set("steps", steps);
        send(abort);
    }

    /** Tells whoever watches; an action does not fail for want of it. */
    public void progress(String plan, String step) {
        try {
            send(request("progress", plan).put("step", step));
        } catch (RuntimeException e) {
            LOG.debug("progress of {} is not noted", plan, e);
        }
    }

    /** Something happened that is worth counting. */
    public void event(String code, String text) {
        ObjectNode event = JsonNodeFactory.instance.objectNode().put("op", "event");
        send(event.put("code", code).put("text", text));
    }

    /** Has something kept for this shell's successor. */
    public void keep(String key, JsonNode value) {
        send((ObjectNode) JsonNodeFactory.instance.objectNode().put("op", "keep").put("key", key).set("value", value));
    }

    /** What this shell, or its predecessor, had kept; null where nothing. */
    public JsonNode kept(String key) {
        return send(JsonNodeFactory.instance.objectNode().put("op", "kept").put("key", key)).path("value");
    }

    /** What a predecessor left: {@code plan} and its {@code state}. */
    public JsonNode resume() {
        return send(JsonNodeFactory.instance.objectNode().put("op", "resume"));
    }

    /** Logs what is wrong with the settings, and the mode that follows. */
    public void reportStatus() {
        JsonNode status = send(JsonNodeFactory.instance.objectNode().put("op", "status"));
        for (JsonNode problem : status.path("problems")) {
            LOG.error("configuration: {}", problem.asText());
        }
        LOG.info("Thalweg is ready, mode {}", status.path("mode").asText("?"));
    }

    private JsonNode send(ObjectNode request) {
        return engine.command(request, System.currentTimeMillis());
    }

    private static ObjectNode request(String op, String plan) {
        return JsonNodeFactory.instance.objectNode().put("op", op).put("plan", plan);
    }
}
