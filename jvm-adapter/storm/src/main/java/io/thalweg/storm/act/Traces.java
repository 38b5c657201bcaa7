package io.thalweg.storm.act;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.thalweg.shell.Plan;
import io.thalweg.shell.StepFailed;
import io.thalweg.shell.StepFailed.Code;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.apache.storm.thrift.TException;

/** What actions leave behind in a cluster while they run, as the core names it, and how each is taken back. */
final class Traces {
    private static final String DEACTIVATED = "deactivated";
    private static final String WORKERS_STARTED = "workers_started";

    private Traces() { }

    /** The topology's sources were stopped. */
    static ObjectNode deactivated() {
        return JsonNodeFactory.instance.objectNode().put("what", DEACTIVATED);
    }

    /** These nodes were told to run workers that Nimbus knows nothing of. */
    static ObjectNode workersStarted(Collection<String> nodes) {
        ObjectNode started = JsonNodeFactory.instance.objectNode().put("what", WORKERS_STARTED);
        ArrayNode names = started.putArray("nodes");
        nodes.forEach(names::add);
        return started;
    }

    /** Those of them that can be taken back by one who knows no nodes. */
    static ArrayNode stopped(JsonNode traces) {
        ArrayNode stopped = JsonNodeFactory.instance.arrayNode();
        for (JsonNode trace : traces) {
            if (DEACTIVATED.equals(trace.path("what").asText())) {
                stopped.add(trace);
            }
        }
        return stopped;
    }

    /** Takes one of them back. */
    static void undo(ActionContext context, Plan plan, JsonNode trace) throws StepFailed, TException {
        String what = trace.path("what").asText();
        switch (what) {
            case DEACTIVATED -> context.activate(plan);
            case WORKERS_STARTED -> {
                List<String> nodes = new ArrayList<>();
                trace.path("nodes").forEach(node -> nodes.add(node.asText()));
                context.announce(nodes);
            }
            default -> throw new StepFailed(Code.ENGINE_REFUSED, "nobody knows how to take back " + what);
        }
    }
}
