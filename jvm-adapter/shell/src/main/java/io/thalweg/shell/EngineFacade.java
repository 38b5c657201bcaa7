package io.thalweg.shell;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.thalweg.shell.StepFailed.Code;
import java.util.OptionalLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What is asked of the engine, and reported to it, while plans are carried out. Before anything is done to the cluster
 * it asks whether this process still leads, and has it noted; see {@link #intend}.
 */
public final class EngineFacade {
    private static final Logger LOG = LoggerFactory.getLogger(EngineFacade.class);

    /** While a step only waits, leadership is asked for this often. */
    private static final long LOOK_MILLIS = 1000;

    private final Engine engine;
    private final Leadership leadership;
    private final ClusterNote note;
    private volatile long term;
    private volatile long askedAt;
    private volatile boolean lost;
    /** What was noted last; null while that is not known. */
    private JsonNode noted;

    /** Speaks to this engine, on behalf of the only process there is. */
    public EngineFacade(Engine engine) {
        this(engine, Leadership.ALONE, ClusterNote.NONE);
    }

    /** Speaks to this engine, on behalf of one of several processes. */
    public EngineFacade(Engine engine, Leadership leadership, ClusterNote note) {
        this.engine = engine;
        this.leadership = leadership;
        this.note = note;
    }

    /** Has the plan's routing table stored, and says where. */
    public String publish(String plan) {
        return send(request("publish", plan)).path("stored").asText("?");
    }

    /** The plan is about to be carried out in this way. */
    public void begin(String plan, String strategy) throws StepFailed {
        requireLeadership();
        send(request("begin", plan).put("strategy", strategy));
    }

    /**
     * Must be called before something is done to the cluster that would outlive this process: it is stored, so that a
     * successor takes it back.
     */
    public void intend(String plan, ObjectNode done) throws StepFailed {
        requireLeadership();
        ObjectNode intend = request("intend", plan);
        intend.set("done", done);
        note(send(intend));
    }

    /** Something that was intended has been taken back. */
    public void undone(String plan, JsonNode done) {
        ObjectNode undone = request("undone", plan);
        undone.set("done", done);
        tryToNote(send(undone));
    }

    /** From now on senders use the new executors. */
    public void switched(String plan) throws StepFailed {
        requireLeadership();
        send(request("switched", plan));
    }

    /** From now on the plan's routes count. */
    public void commit(String plan) throws StepFailed {
        requireLeadership();
        note(send(request("commit", plan)));
    }

    /** One way of carrying the plan out does not work. */
    public void failed(String plan, String code, String text) {
        tryToNote(send(request("failed", plan).put("code", code).put("text", text)));
    }

    /** The plan is what runs. */
    public void finish(String plan, String how, ArrayNode steps) {
        ObjectNode finish = request("finish", plan).put("how", how);
        finish.set("steps", steps);
        tryToNote(send(finish));
    }

    /** The plan is given up. */
    public void abort(String plan, String code, String text, ArrayNode steps) {
        ObjectNode abort = request("abort", plan).put("code", code).put("text", text);
        abort.set("steps", steps);
        tryToNote(send(abort));
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

    /** The routing table by which a topology was placed last; null where none is stored. */
    public JsonNode table(String topology) {
        return send(JsonNodeFactory.instance.objectNode().put("op", "table").put("topology", topology)).path("table");
    }

    /** The term in which this process leads by what the cluster says now; empty if it does not. */
    public OptionalLong leads() {
        OptionalLong now = leadership.term();
        askedAt = System.currentTimeMillis();
        return now;
    }

    /** The term in which this process leads as far as it was told of late; empty if it does not. */
    public OptionalLong leadsLately() {
        return leadership.lately();
    }

    /** This process begins to lead; answers with what a predecessor left to be done, missing if nothing. */
    public JsonNode lead(long newTerm) {
        ObjectNode lead = JsonNodeFactory.instance.objectNode().put("op", "lead").put("term", newTerm);
        if (note != ClusterNote.NONE) {
            lead.put("note", left());
            lead.put("term_base", termBase());
        }
        term = newTerm;
        synchronized (this) {
            noted = null;
        }
        JsonNode answer = send(lead);
        if (answer.has("term_base")) {
            // To be noted before anything is done in a term that later leaders would not be above.
            keepTermBase(answer.path("term_base").asLong(), newTerm);
            answer = send(lead.put("term_base", answer.path("term_base").asLong()));
        }
        tryToNote(answer);
        return answer.path("due");
    }

    /** What there is to be done for an action that nobody is at work on; null if nothing. */
    public JsonNode due() {
        return send(JsonNodeFactory.instance.objectNode().put("op", "due")).path("due");
    }

    private String left() {
        try {
            return note.read().orElse("");
        } catch (Exception e) {
            throw new IllegalStateException("what a predecessor noted in the cluster cannot be read", e);
        }
    }

    private long termBase() {
        try {
            return note.termBase();
        } catch (Exception e) {
            throw new IllegalStateException("the base of this cluster's terms cannot be read", e);
        }
    }

    private void keepTermBase(long base, long newTerm) {
        if (!leads().equals(OptionalLong.of(newTerm))) {
            // What is noted now may be a later leader's.
            throw new IllegalStateException("another process leads, or nobody can tell who does");
        }
        try {
            note.keepTermBase(base);
        } catch (Exception e) {
            throw new IllegalStateException("the base of this cluster's terms cannot be noted", e);
        }
    }

    /**
     * Somebody was told that this process does not lead. The monitor, which alone follows and leads, finds it by
     * {@link #hasLost} and asks anew.
     */
    public void lose() {
        lost = true;
    }

    /** Whether anybody was told so since this was asked last. */
    public boolean hasLost() {
        boolean was = lost;
        lost = false;
        return was;
    }

    /** Another process leads: what is under way is its business. */
    public void follow() {
        send(JsonNodeFactory.instance.objectNode().put("op", "follow"));
    }

    /** Fails once this process no longer leads; asks only now and then, so it may be called often. */
    public void checkLeadership() throws StepFailed {
        if (System.currentTimeMillis() - askedAt >= LOOK_MILLIS) {
            requireLeadership();
        }
    }

    /** Fails unless this process leads at this moment. */
    public void requireLeadership() throws StepFailed {
        OptionalLong now = leads();
        if (now.isEmpty() || now.getAsLong() != term) {
            throw new StepFailed(Code.LEADERSHIP_LOST, "another process leads, or nobody can tell who does");
        }
    }

    /** Logs what is wrong with the settings, and the mode that follows. */
    public void reportStatus() {
        JsonNode status = send(JsonNodeFactory.instance.objectNode().put("op", "status"));
        for (JsonNode problem : status.path("problems")) {
            LOG.error("configuration: {}", problem.asText());
        }
        LOG.info("Thalweg is ready, mode {}", status.path("mode").asText("?"));
    }

    /** What an answer says that is to be noted in the cluster by now: what could not be noted in time is here. */
    public void renote(JsonNode answer) {
        if (answer.has("note")) {
            tryToNote(answer);
        }
    }

    /** Notes what an answer carries, unless that is noted already; nothing is left to be noted where it is null. */
    private synchronized void note(JsonNode answer) throws StepFailed {
        JsonNode wanted = answer.path("note");
        if (wanted.isMissingNode() || wanted.equals(noted)) {
            return;
        }
        noted = null;
        if (note != ClusterNote.NONE) {
            // What is noted now may be a later leader's.
            requireLeadership();
        }
        try {
            if (wanted.isNull()) {
                note.clear();
            } else {
                note.write(wanted.toString());
            }
            noted = wanted;
        } catch (Exception e) {
            throw new StepFailed(Code.ENGINE_REFUSED, "what is done cannot be noted in the cluster", e);
        }
    }

    /** As {@link #note}, where it is as good to do it at the next look. */
    private void tryToNote(JsonNode answer) {
        try {
            note(answer);
        } catch (StepFailed e) {
            LOG.warn("{}", e.getMessage());
        }
    }

    private JsonNode send(ObjectNode request) {
        return engine.command(request, System.currentTimeMillis());
    }

    private static ObjectNode request(String op, String plan) {
        return JsonNodeFactory.instance.objectNode().put("op", op).put("plan", plan);
    }
}
