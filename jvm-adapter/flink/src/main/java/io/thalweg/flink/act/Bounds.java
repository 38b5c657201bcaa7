package io.thalweg.flink.act;

import io.thalweg.flink.measure.JobView;
import io.thalweg.flink.measure.Vertex;
import io.thalweg.flink.rest.Requirements;
import io.thalweg.flink.rest.Requirements.BeyondUser;
import io.thalweg.flink.rest.Requirements.Channel;
import io.thalweg.flink.rest.Requirements.Range;
import io.thalweg.flink.rest.Rest;
import io.thalweg.shell.EngineFacade;
import io.thalweg.shell.Plan;
import io.thalweg.shell.StepFailed;
import io.thalweg.shell.StepFailed.Code;
import java.io.IOException;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.node.MissingNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.node.ObjectNode;

/** The bounds of parallelism that one plan asks for, of the vertices that it is about. */
final class Bounds {
    private final Rest rest;
    private final Requirements requirements;
    private final EngineFacade facade;
    private final Plan plan;
    private final String job;
    private final Map<String, Integer> desired = new TreeMap<>();
    private ObjectNode trace;
    private long failedBefore = Long.MAX_VALUE;

    Bounds(Rest rest, Requirements requirements, EngineFacade facade, Plan plan, JobView seen) {
        this.rest = rest;
        this.requirements = requirements;
        this.facade = facade;
        this.plan = plan;
        this.job = plan.topology();
        for (Vertex vertex : seen.vertices()) {
            Integer count = plan.counts().get(vertex.name());
            if (count != null) {
                desired.put(vertex.id(), count);
            }
        }
    }

    /** Asks for the plan's parallelism through REST, so that the Dispatcher keeps it for the next leader. */
    void ask() throws IOException, InterruptedException, StepFailed {
        ask(requirements.overRest(job));
    }

    /** The same by another way. */
    void ask(Channel channel) throws IOException, InterruptedException, StepFailed {
        if (desired.isEmpty()) {
            return;
        }
        try {
            requirements.ask(job, desired, channel, this::announce);
        } catch (BeyondUser e) {
            throw new StepFailed(Code.PLAN_OUTDATED, e.getMessage());
        }
    }

    /** Has it noted what held before, so that a successor takes the change back if this process does not get any further. */
    private void announce(Map<String, Range> before) throws StepFailed {
        if (trace == null) {
            ObjectNode intended = Traces.boundsChanged(before);
            facade.intend(plan.id(), intended);
            trace = intended;
        }
    }

    /** Asks for what was asked for before, if anything was changed. */
    void undo() throws IOException, InterruptedException, StepFailed {
        if (trace != null) {
            facade.requireLeadership();
            Traces.undo(requirements, job, trace);
            facade.undone(plan.id(), trace);
            trace = null;
        }
    }

    /** How often the job has failed since {@link #countFailures}, as far as REST tells. */
    int failures() throws IOException, InterruptedException {
        int failures = 0;
        for (JsonNode failure : history()) {
            failures += failure.path("timestamp").asLong() > failedBefore ? 1 : 0;
        }
        return failures;
    }

    /** Has failures counted from here on. */
    void countFailures() throws IOException, InterruptedException {
        failedBefore = 0;
        for (JsonNode failure : history()) {
            failedBefore = Math.max(failedBefore, failure.path("timestamp").asLong());
        }
    }

    /** What the job failed by last, for people. */
    String lastFailure() throws InterruptedException {
        try {
            JsonNode last = history().path(0);
            return last.path("taskName").asText("a task") + ": " + last.path("exceptionName").asText("unknown");
        } catch (IOException e) {
            return "unknown";
        }
    }

    private JsonNode history() throws IOException, InterruptedException {
        try {
            return rest.get("/jobs/" + job + "/exceptions").path("exceptionHistory").path("entries");
        } catch (Rest.Refused e) {
            return MissingNode.getInstance();
        }
    }

    /** Whether the job runs with the plan's parallelism, as REST shows it. */
    boolean reached() throws IOException, InterruptedException {
        JsonNode found = rest.get("/jobs/" + job);
        boolean reached = "RUNNING".equals(found.path("state").asText());
        for (JsonNode vertex : found.path("vertices")) {
            int parallelism = vertex.path("parallelism").asInt();
            reached &= Set.of("RUNNING", "FINISHED").contains(vertex.path("status").asText());
            reached &= desired.getOrDefault(vertex.path("id").asText(), parallelism) == parallelism;
        }
        return reached;
    }
}
