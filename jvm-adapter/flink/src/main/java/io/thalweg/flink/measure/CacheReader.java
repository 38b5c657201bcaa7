package io.thalweg.flink.measure;

import io.thalweg.flink.rest.Rest;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
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
    private static final int LOOKS_PER_READING = 30;

    private final MetricNames<List<String>> names;

    CacheReader(Rest rest) {
        this.names = new MetricNames<>(rest, LOOKS_PER_READING, CacheReader::names, found -> true);
    }

    /** Reads it. */
    Lookups read(String job, String vertex) throws IOException, InterruptedException {
        List<String> found = names.of(job, vertex);
        return found.isEmpty() ? Lookups.UNKNOWN : sum(names.sums(job, vertex, found));
    }

    /** Forgets all other jobs. */
    void keep(Set<String> jobs) {
        names.keep(jobs);
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
