package io.thalweg.flink.measure;

import io.thalweg.flink.rest.Rest;
import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;

/**
 * How often the state of a vertex was found in RocksDB's block cache, where its user has Flink count that
 * ({@code state.backend.rocksdb.metrics.block-cache-hit} and {@code -miss}).
 */
final class CacheReader {
    /** Cumulative over all subtasks and states of a vertex: -1 where they are not counted. */
    record Lookups(long all, long hits) {
        static final Lookups UNKNOWN = new Lookups(-1, -1);

        /** The part of one subtask: Flink adds them up, so that all are taken to look up as often. */
        Lookups each(int parallelism) {
            return all < 0 || parallelism <= 0 ? UNKNOWN : new Lookups(all / parallelism, hits / parallelism);
        }
    }

    /** What comes before is the operator and the backend: {@code count.rocksdb_block_cache_hit}. */
    private static final String HIT = "_block_cache_hit";
    private static final String MISS = "_block_cache_miss";
    /** Names change only when a job does, so they are read seldom. */
    private static final int LOOKS_PER_READING = 30;

    private record Names(List<String> ids, int looks) { }

    private final Rest rest;
    /** By job and vertex. */
    private final Map<String, Map<String, Names>> known = new HashMap<>();

    CacheReader(Rest rest) {
        this.rest = rest;
    }

    /** Reads it. */
    Lookups read(String job, String vertex) throws IOException, InterruptedException {
        String path = "/jobs/" + job + "/vertices/" + vertex + "/subtasks/metrics";
        Map<String, Names> vertices = known.computeIfAbsent(job, id -> new HashMap<>());
        Names names = vertices.get(vertex);
        if (names == null || names.looks >= LOOKS_PER_READING) {
            names = new Names(names(rest.get(path)), 0);
        }
        vertices.put(vertex, new Names(names.ids, names.looks + 1));
        if (names.ids.isEmpty()) {
            return Lookups.UNKNOWN;
        }
        String ids = URLEncoder.encode(String.join(",", names.ids), StandardCharsets.UTF_8);
        return sum(rest.get(path + "?agg=sum&get=" + ids));
    }

    /** Forgets all other jobs. */
    void keep(Set<String> jobs) {
        known.keySet().retainAll(jobs);
    }

    private static List<String> names(JsonNode metrics) {
        List<String> names = new ArrayList<>();
        for (JsonNode metric : metrics) {
            String id = metric.path("id").asText();
            if (id.endsWith(HIT) || id.endsWith(MISS)) {
                names.add(id);
            }
        }
        return names;
    }

    /** Both have to be counted: hits without misses would look like a cache that always hits. */
    static Lookups sum(JsonNode metrics) {
        double hits = -1;
        double misses = -1;
        for (JsonNode metric : metrics) {
            double found = metric.path("sum").asDouble(0);
            if (metric.path("id").asText().endsWith(HIT)) {
                hits = Math.max(0, hits) + found;
            } else if (metric.path("id").asText().endsWith(MISS)) {
                misses = Math.max(0, misses) + found;
            }
        }
        return hits < 0 || misses < 0 ? Lookups.UNKNOWN : new Lookups(Math.round(hits + misses), Math.round(hits));
    }
}
