package io.thalweg.flink.measure;

import io.thalweg.flink.rest.Rest;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;

/** How large the state of subtasks was when their job last completed a checkpoint, and what that took. */
final class StateReader {
    /** @param settings those of checkpoints, which a job keeps for its life; null until they were read */
    private record Known(JsonNode settings, Recovery recovery, long id, Checkpoint checkpoint,
            Map<String, List<Long>> sizes) { }

    private static final Known NONE = new Known(null, Recovery.OFF, -1, Checkpoint.UNKNOWN, Map.of());

    private final Rest rest;
    private final Map<String, Known> known = new HashMap<>();

    StateReader(Rest rest) {
        this.rest = rest;
    }

    /** Reads what the newest checkpoint of a job tells, if it is a new one. */
    void look(String job, Set<String> vertices) throws IOException, InterruptedException {
        Known before = known.getOrDefault(job, NONE);
        JsonNode settings = before.settings == null ? Recovery.settings(rest, job) : before.settings;
        JsonNode statistics = Recovery.statistics(rest, job);
        Recovery recovery = Recovery.of(settings, statistics);
        // A job that is about to run has no settings yet: they are asked for again.
        JsonNode kept = settings.isMissingNode() ? null : settings;
        JsonNode newest = statistics.path("latest").path("completed");
        long id = newest.path("id").asLong(-1);
        if (id == before.id) {
            known.put(job, new Known(kept, recovery, id, before.checkpoint, before.sizes));
            return;
        }
        known.put(job, new Known(kept, recovery, id, Checkpoint.read(newest), sizes(job, id, vertices)));
    }

    /** Of each vertex; none where the checkpoint was replaced meanwhile. */
    private Map<String, List<Long>> sizes(String job, long id, Set<String> vertices)
            throws IOException, InterruptedException {
        Map<String, List<Long>> sizes = new HashMap<>();
        for (String vertex : id < 0 ? Set.<String>of() : vertices) {
            try {
                sizes.put(vertex, sizes(rest.get("/jobs/" + job + "/checkpoints/details/" + id + "/subtasks/" + vertex)));
            } catch (Rest.Refused e) {
                return Map.of();
            }
        }
        return sizes;
    }

    /** Whether a job could be restored now. */
    Recovery recovery(String job) {
        return known.getOrDefault(job, NONE).recovery;
    }

    /** The bytes of a subtask's state; -1 where unknown, as when there were another number of subtasks. */
    long bytes(String job, String vertex, int subtask, int parallelism) {
        List<Long> sizes = known.getOrDefault(job, NONE).sizes.getOrDefault(vertex, List.of());
        return sizes.size() == parallelism ? sizes.get(subtask) : -1;
    }

    /** The last checkpoint of a job. */
    Checkpoint checkpoint(String job) {
        Known found = known.getOrDefault(job, NONE);
        return found.settings == null ? found.checkpoint : found.checkpoint.each(Recovery.intervalMs(found.settings));
    }

    /** Forgets all other jobs. */
    void keep(Set<String> jobs) {
        known.keySet().retainAll(jobs);
    }

    private static List<Long> sizes(JsonNode vertex) {
        List<Long> sizes = new ArrayList<>();
        for (JsonNode subtask : vertex.path("subtasks")) {
            sizes.add(subtask.path("state_size").asLong(-1));
        }
        return sizes;
    }
}
