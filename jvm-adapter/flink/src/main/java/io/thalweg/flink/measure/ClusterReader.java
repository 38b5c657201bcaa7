package io.thalweg.flink.measure;

import io.thalweg.bridge.SnapshotWriter.Obstacle;
import io.thalweg.flink.measure.CacheReader.Lookups;
import io.thalweg.flink.measure.Task.State;
import io.thalweg.flink.measure.Task.Totals;
import io.thalweg.flink.measure.Vertex.Input;
import io.thalweg.flink.rest.Rest;
import java.io.IOException;
import java.net.URI;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;

/** Reads TaskManagers and jobs through REST: exact cumulative counters, never the gauges that average over a minute. */
public final class ClusterReader {
    private static final double POINTS_PER_CORE = 100;
    /** What jobs are in no more. */
    private static final Set<String> ENDED = Set.of("FINISHED", "CANCELED", "FAILED");
    private static final String BATCH = "BATCH";
    /** As far as Flink tells: it does not on older lines. */
    private static final String ADAPTIVE = "Adaptive";

    private final Rest rest;
    private final SourceReader sources;
    private final StateReader states;
    private final CacheReader caches;
    private final GcReader collectors;

    /** Reads through this. */
    public ClusterReader(Rest rest) {
        this.rest = rest;
        this.sources = new SourceReader(rest);
        this.states = new StateReader(rest);
        this.caches = new CacheReader(rest);
        this.collectors = new GcReader(rest);
    }

    /**
     * Has Flink fetch all counters anew. It does so behind the first request that finds them old, and still answers that
     * one with what it had: without this call a look would see some subtasks as they are and others as they were.
     */
    public void refresh() throws IOException, InterruptedException {
        rest.get("/jobmanager/metrics");
    }

    /** Every registered TaskManager, by id. */
    public List<NodeView> nodes() throws IOException, InterruptedException {
        JsonNode found = rest.get("/taskmanagers").path("taskmanagers");
        List<String> ids = new ArrayList<>();
        found.forEach(node -> ids.add(node.path("id").asText()));
        collectors.look(ids);
        List<NodeView> nodes = new ArrayList<>();
        for (JsonNode node : found) {
            JsonNode resource = node.path("totalResource");
            String id = node.path("id").asText();
            int slots = node.path("slotsNumber").asInt();
            nodes.add(new NodeView(id, host(node.path("path").asText()), slots, node.path("freeSlots").asInt(slots),
                    resource.path("cpuCores").asDouble(Double.NaN) * POINTS_PER_CORE,
                    node.path("hardware").path("physicalMemory").asDouble(Double.NaN) / (1 << 20),
                    collectors.millis(id),
                    resource.path("extendedResources").path(NodeView.pin(id)).asDouble() / Math.max(1, slots)));
        }
        nodes.sort(Comparator.comparing(NodeView::id));
        return nodes;
    }

    /** States of all jobs, by id, of those too that ended lately. One that does not answer at once may be missing. */
    public Map<String, String> jobs() throws IOException, InterruptedException {
        Map<String, String> jobs = new HashMap<>();
        rest.get("/jobs").path("jobs").forEach(job -> jobs.put(job.path("id").asText(), job.path("status").asText()));
        return jobs;
    }

    /** Whether a state is one that jobs do not come out of. */
    public static boolean isEnd(String state) {
        return ENDED.contains(state);
    }

    /** Forgets all but these jobs. */
    public void keep(Set<String> jobs) {
        sources.keep(jobs);
        states.keep(jobs);
        caches.keep(jobs);
    }

    /** What is known of a job that is not read as a whole: its name, state, and whether it is a batch job. */
    public Optional<JobView> brief(String id) throws IOException, InterruptedException {
        Optional<JsonNode> job = unlessEnded(id);
        return job.map(found -> left(found).orElseGet(() -> bare(found, Obstacle.OTHER_SCHEDULER)));
    }

    private static JobView bare(JsonNode job, Obstacle obstacle) {
        return JobView.bare(job.path("jid").asText(), job.path("name").asText(), job.path("state").asText(), obstacle);
    }

    /** A job that is none of ours to judge, whoever runs it. */
    private static Optional<JobView> left(JsonNode job) {
        if (BATCH.equals(job.path("job-type").asText())) {
            return Optional.of(bare(job, Obstacle.BATCH));
        }
        boolean adaptive = ADAPTIVE.equals(job.path("schedulerType").asText(ADAPTIVE));
        return adaptive ? Optional.empty() : Optional.of(bare(job, Obstacle.OTHER_SCHEDULER));
    }

    /** What REST tells of a job; nothing once it has ended. */
    private Optional<JsonNode> unlessEnded(String id) throws IOException, InterruptedException {
        try {
            JsonNode job = rest.get("/jobs/" + id);
            return ENDED.contains(job.path("state").asText()) ? Optional.empty() : Optional.of(job);
        } catch (Rest.Refused e) {
            if (e.isNotFound()) {
                return Optional.empty();
            }
            throw e;
        }
    }

    /** Whether REST says that a job has ended; of one that it does not know nobody can say. */
    public boolean hasEnded(String id) throws IOException, InterruptedException {
        try {
            return ENDED.contains(rest.get("/jobs/" + id).path("state").asText());
        } catch (Rest.Refused e) {
            if (e.isNotFound()) {
                return false;
            }
            throw e;
        }
    }

    /** One job with the counters of every subtask; nothing once it has ended. */
    public Optional<JobView> job(String id) throws IOException, InterruptedException {
        Optional<JsonNode> found = unlessEnded(id);
        if (found.isEmpty()) {
            return Optional.empty();
        }
        Optional<JobView> left = left(found.get());
        return left.isPresent() ? left : Optional.of(whole(id, found.get()));
    }

    private JobView whole(String id, JsonNode job) throws IOException, InterruptedException {
        Map<String, JsonNode> plans = new HashMap<>();
        job.path("plan").path("nodes").forEach(node -> plans.put(node.path("id").asText(), node));
        List<JsonNode> found = new ArrayList<>();
        job.path("vertices").forEach(found::add);
        Map<String, String> given = new HashMap<>();
        found.forEach(vertex -> given.put(vertex.path("id").asText(), vertex.path("name").asText()));
        Map<String, String> names = Vertex.uniqueNames(given);
        found.sort(Comparator.comparing(vertex -> names.get(vertex.path("id").asText())));
        Map<String, Integer> indexes = new HashMap<>();
        found.forEach(vertex -> indexes.put(vertex.path("id").asText(), indexes.size()));
        states.look(id, names.keySet());
        List<Vertex> vertices = new ArrayList<>();
        int firstTask = 0;
        for (JsonNode vertex : found) {
            String vertexId = vertex.path("id").asText();
            int max = vertex.path("maxParallelism").asInt();
            List<Input> inputs = new ArrayList<>();
            for (JsonNode input : plans.getOrDefault(vertexId, vertex).path("inputs")) {
                Integer from = indexes.get(input.path("id").asText());
                if (from != null) {
                    inputs.add(new Input(from, input.path("ship_strategy").asText()));
                }
            }
            boolean source = inputs.isEmpty();
            SourceReader.Waiting waiting = source ? sources.read(id, vertexId) : SourceReader.Waiting.UNKNOWN;
            Lookups lookups = source ? Lookups.UNKNOWN : caches.read(id, vertexId);
            vertices.add(new Vertex(vertexId, names.get(vertexId), firstTask, max, inputs,
                    tasks(id, vertexId, source, lookups), waiting, vertex.path("slotSharingGroupId").asText("")));
            firstTask += max;
        }
        return new JobView(id, job.path("name").asText(), job.path("state").asText(), states.checkpoint(id),
                obstacle(states.recovery(id)), vertices);
    }

    private static Obstacle obstacle(Recovery recovery) {
        return switch (recovery) {
            case POSSIBLE -> null;
            case OFF -> Obstacle.CHECKPOINTS_OFF;
            case NONE_YET -> Obstacle.NO_CHECKPOINT_YET;
            case FAILING -> Obstacle.CHECKPOINTS_FAIL;
        };
    }

    private List<Task> tasks(String job, String vertex, boolean source, Lookups lookups)
            throws IOException, InterruptedException {
        List<Task> tasks = new ArrayList<>();
        JsonNode subtasks = rest.get("/jobs/" + job + "/vertices/" + vertex).path("subtasks");
        Lookups each = lookups.each(subtasks.size());
        Map<Integer, Double> brought = source ? sources.brought(job, vertex, subtasks.size()) : Map.of();
        for (JsonNode task : subtasks) {
            JsonNode metrics = task.path("metrics");
            boolean complete = metrics.path("read-records-complete").asBoolean()
                    && metrics.path("write-records-complete").asBoolean();
            String node = task.path("taskmanager-id").asText("");
            int index = task.path("subtask").asInt();
            Totals totals = totals(task, brought.get(index), source);
            String status = task.path("status").asText();
            tasks.add(new Task(index, task.path("attempt").asInt(),
                    node.isEmpty() || node.contains("unassigned") ? null : node,
                    "RUNNING".equals(status) && complete && !Double.isNaN(totals.time()), "FINISHED".equals(status), totals,
                    new State(states.bytes(job, vertex, index, subtasks.size()), each.all(), each.hits())));
        }
        tasks.sort(Comparator.comparingInt(Task::index));
        return tasks;
    }

    /** @param brought what a source operator brought in, or null: then it is what its task gave out */
    private static Totals totals(JsonNode task, Double brought, boolean source) {
        JsonNode metrics = task.path("metrics");
        double written = metrics.path("write-records").asDouble();
        double read = !source ? metrics.path("read-records").asDouble() : brought == null ? written : brought;
        double busy = metrics.path("accumulated-busy-time").asDouble();
        if (source && Double.isNaN(busy)) {
            // As sources of the old kind: Flink does not tell what they do with their time.
            long duration = task.path("duration").asLong(-1);
            return Totals.untimed(read, written, duration < 0 ? Double.NaN : duration);
        }
        return new Totals(read, written, busy, metrics.path("accumulated-backpressured-time").asDouble(),
                metrics.path("accumulated-idle-time").asDouble());
    }

    /** The host in {@code pekko.tcp://flink@host:port/...}; the whole where it is of another kind. */
    private static String host(String path) {
        try {
            String host = URI.create(path).getHost();
            return host == null ? path : host;
        } catch (IllegalArgumentException e) {
            return path;
        }
    }
}
