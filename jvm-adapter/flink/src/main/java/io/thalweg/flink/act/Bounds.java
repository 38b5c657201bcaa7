package io.thalweg.flink.act;

import io.thalweg.flink.measure.JobView;
import io.thalweg.flink.measure.Vertex;
import io.thalweg.flink.rest.Rest;
import io.thalweg.shell.Plan;
import java.io.IOException;
import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.node.JsonNodeFactory;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.node.ObjectNode;

/** A job's bounds of parallelism: asked for through REST, so that the Dispatcher keeps them for the next leader. */
final class Bounds {
    private final Rest rest;
    private final String path;
    private final Map<String, Integer> wished = new TreeMap<>();
    private JsonNode before;

    Bounds(Rest rest, Plan plan, JobView seen) {
        this.rest = rest;
        this.path = "/jobs/" + plan.topology();
        for (Vertex vertex : seen.vertices()) {
            Integer count = plan.counts().get(vertex.name());
            wished.put(vertex.id(), count == null ? vertex.tasks().size() : count);
        }
    }

    /** The parallelism that the plan wishes, by vertex id. */
    Map<String, Integer> wished() {
        return wished;
    }

    /** Asks for the plan's parallelism. A lower bound above 1 would have the job fail where slots are short. */
    void ask() throws IOException, InterruptedException {
        before = rest.get(path + "/resource-requirements");
        ObjectNode wish = JsonNodeFactory.instance.objectNode();
        wished.forEach((vertex, count) -> wish.putObject(vertex).putObject("parallelism")
                .put("lowerBound", 1).put("upperBound", count));
        rest.put(path + "/resource-requirements", wish);
    }

    /** Asks for what was asked for before. */
    void undo() throws IOException, InterruptedException {
        if (before != null) {
            rest.put(path + "/resource-requirements", before);
        }
    }

    /** Whether the job runs with the plan's parallelism, as REST shows it. */
    boolean reached() throws IOException, InterruptedException {
        JsonNode job = rest.get(path);
        boolean reached = "RUNNING".equals(job.path("state").asText());
        for (JsonNode vertex : job.path("vertices")) {
            reached &= "RUNNING".equals(vertex.path("status").asText());
            reached &= wished.getOrDefault(vertex.path("id").asText(), 0) == vertex.path("parallelism").asInt();
        }
        return reached;
    }
}
