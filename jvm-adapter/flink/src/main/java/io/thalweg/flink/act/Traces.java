package io.thalweg.flink.act;

import io.thalweg.flink.rest.Requirements;
import io.thalweg.flink.rest.Requirements.Range;
import io.thalweg.shell.StepFailed;
import io.thalweg.shell.StepFailed.Code;
import java.io.IOException;
import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.node.JsonNodeFactory;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.node.ObjectNode;

/** What actions leave behind in a cluster while they run, as the core names it, and how it is taken back. */
final class Traces {
    private static final String BOUNDS_CHANGED = "bounds_changed";
    private static final String BEFORE = "before";

    private Traces() { }

    /** Bounds of parallelism were changed; these held before, by the ids of vertices. */
    static ObjectNode boundsChanged(Map<String, Range> before) {
        ObjectNode changed = JsonNodeFactory.instance.objectNode().put("what", BOUNDS_CHANGED);
        ObjectNode ranges = changed.putObject(BEFORE);
        new TreeMap<>(before).forEach((vertex, range) -> ranges.putArray(vertex).add(range.lower()).add(range.upper()));
        return changed;
    }

    /** Takes one of them back. */
    static void undo(Requirements requirements, String job, JsonNode trace)
            throws StepFailed, IOException, InterruptedException {
        if (!BOUNDS_CHANGED.equals(trace.path("what").asText())) {
            throw new StepFailed(Code.ENGINE_REFUSED, "nobody knows how to take back " + trace);
        }
        Map<String, Range> before = new TreeMap<>();
        JsonNode ranges = trace.path(BEFORE);
        ranges.fieldNames().forEachRemaining(vertex -> before.put(vertex,
                new Range(ranges.path(vertex).path(0).asInt(), ranges.path(vertex).path(1).asInt())));
        requirements.undo(job, before, requirements.overRest(job));
    }
}
