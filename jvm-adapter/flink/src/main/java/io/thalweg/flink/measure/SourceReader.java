package io.thalweg.flink.measure;

import io.thalweg.flink.rest.Rest;
import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;

/** What waits before a source, where its connector tells. */
final class SourceReader {
    /** What is known of a source: -1 where nothing is. */
    record Waiting(long backlog, int partitions) {
        static final Waiting UNKNOWN = new Waiting(-1, -1);
    }

    private static final String PENDING = ".pendingRecords";
    private static final Pattern PARTITION = Pattern.compile("\\.topic\\.(.+)\\.partition\\.(\\d+)\\.");
    /** Names change only when a job does, so they are read seldom. */
    private static final int LOOKS_PER_READING = 10;

    private record Names(String pending, int partitions, int looks) { }

    private final Rest rest;
    /** By job and vertex. */
    private final Map<String, Map<String, Names>> known = new HashMap<>();

    SourceReader(Rest rest) {
        this.rest = rest;
    }

    /** Reads it. */
    Waiting read(String job, String vertex) throws IOException, InterruptedException {
        String path = "/jobs/" + job + "/vertices/" + vertex + "/subtasks/metrics";
        Map<String, Names> sources = known.computeIfAbsent(job, id -> new HashMap<>());
        Names names = sources.get(vertex);
        if (names == null || names.pending == null || names.looks >= LOOKS_PER_READING) {
            names = names(rest.get(path));
        }
        sources.put(vertex, new Names(names.pending, names.partitions, names.looks + 1));
        if (names.pending == null) {
            return new Waiting(-1, names.partitions);
        }
        JsonNode found = rest.get(path + "?get=" + URLEncoder.encode(names.pending, StandardCharsets.UTF_8));
        double sum = found.path(0).path("sum").asDouble(-1);
        return new Waiting(sum >= 0 ? Math.round(sum) : -1, names.partitions);
    }

    /** Forgets all other jobs. */
    void keep(Set<String> jobs) {
        known.keySet().retainAll(jobs);
    }

    private static Names names(JsonNode metrics) {
        String pending = null;
        Set<String> partitions = new HashSet<>();
        for (JsonNode metric : metrics) {
            String id = metric.path("id").asText();
            if (id.endsWith(PENDING)) {
                pending = id;
            }
            Matcher partition = PARTITION.matcher(id);
            if (partition.find()) {
                partitions.add(partition.group());
            }
        }
        return new Names(pending, partitions.isEmpty() ? -1 : partitions.size(), 0);
    }
}
