package io.thalweg.flink.act;

import io.thalweg.flink.measure.JobView;
import io.thalweg.flink.measure.Vertex;
import io.thalweg.flink.rest.Requirements;
import io.thalweg.flink.rest.Requirements.BeyondUser;
import io.thalweg.flink.rest.Requirements.Channel;
import io.thalweg.flink.rest.Requirements.Range;
import io.thalweg.flink.rest.Rest;
import io.thalweg.shell.Plan;
import io.thalweg.shell.StepFailed;
import io.thalweg.shell.StepFailed.Code;
import java.io.IOException;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;

/** The bounds of parallelism that one plan asks for, of the vertices that it is about. */
final class Bounds {
    private final Rest rest;
    private final Requirements requirements;
    private final String job;
    private final Map<String, Integer> wished = new TreeMap<>();
    private Map<String, Range> before = Map.of();

    Bounds(Rest rest, Requirements requirements, Plan plan, JobView seen) {
        this.rest = rest;
        this.requirements = requirements;
        this.job = plan.topology();
        for (Vertex vertex : seen.vertices()) {
            Integer count = plan.counts().get(vertex.name());
            if (count != null) {
                wished.put(vertex.id(), count);
            }
        }
    }

    /** Asks for the plan's parallelism through REST, so that the Dispatcher keeps it for the next leader. */
    void ask() throws IOException, InterruptedException, StepFailed {
        ask(requirements.overRest(job));
    }

    /** The same by another way. */
    void ask(Channel channel) throws IOException, InterruptedException, StepFailed {
        if (wished.isEmpty()) {
            return;
        }
        try {
            before = requirements.ask(job, wished, channel);
        } catch (BeyondUser e) {
            throw new StepFailed(Code.PLAN_OUTDATED, e.getMessage());
        }
    }

    /** Asks for what was asked for before, if anything was changed. */
    void undo() throws IOException, InterruptedException {
        if (!before.isEmpty()) {
            requirements.undo(job, before, requirements.overRest(job));
        }
    }

    /** Whether the job runs with the plan's parallelism, as REST shows it. */
    boolean reached() throws IOException, InterruptedException {
        JsonNode found = rest.get("/jobs/" + job);
        boolean reached = "RUNNING".equals(found.path("state").asText());
        for (JsonNode vertex : found.path("vertices")) {
            int parallelism = vertex.path("parallelism").asInt();
            reached &= Set.of("RUNNING", "FINISHED").contains(vertex.path("status").asText());
            reached &= wished.getOrDefault(vertex.path("id").asText(), parallelism) == parallelism;
        }
        return reached;
    }
}
