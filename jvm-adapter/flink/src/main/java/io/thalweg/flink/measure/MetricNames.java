package io.thalweg.flink.measure;

import io.thalweg.flink.rest.Rest;
import java.io.IOException;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;

/**
 * What the names of a vertex's metrics say. There are many of them and they change only when a job does, so they are
 * read seldom.
 *
 * @param <N> what is wanted of them
 */
final class MetricNames<N> {
    private record Known<N>(N names, int looks) { }

    /** Flink's server takes 4096 characters, with the path. */
    private static final int LONGEST_QUERY = 3_500;

    private final Rest rest;
    private final int looksPerReading;
    private final Function<JsonNode, N> read;
    private final Predicate<N> complete;
    /** By job and vertex. */
    private final Map<String, Map<String, Known<N>>> known = new HashMap<>();

    /** Names that are not complete are read again with the next look. */
    MetricNames(Rest rest, int looksPerReading, Function<JsonNode, N> read, Predicate<N> complete) {
        this.rest = rest;
        this.looksPerReading = looksPerReading;
        this.read = read;
        this.complete = complete;
    }

    /** What the names say. */
    N of(String job, String vertex) throws IOException, InterruptedException {
        Map<String, Known<N>> vertices = known.computeIfAbsent(job, id -> new HashMap<>());
        Known<N> found = vertices.get(vertex);
        if (found == null || !complete.test(found.names) || found.looks >= looksPerReading) {
            found = new Known<>(read.apply(rest.get(path(job, vertex))), 0);
        }
        vertices.put(vertex, new Known<>(found.names, found.looks + 1));
        return found.names;
    }

    /** What the names said when they were read last. */
    Optional<N> known(String job, String vertex) {
        return Optional.ofNullable(known.getOrDefault(job, Map.of()).get(vertex)).map(found -> found.names);
    }

    /** One metric of each subtask, by its index; those that have none, or no number, are left out. */
    Map<Integer, Double> bySubtask(String job, String vertex, String name, int subtasks)
            throws IOException, InterruptedException {
        Map<Integer, Double> values = new HashMap<>();
        String encoded = URLEncoder.encode("." + name, StandardCharsets.UTF_8);
        int each = Math.max(1, LONGEST_QUERY / (encoded.length() + ",000".length()));
        for (int first = 0; first < subtasks; first += each) {
            String query = IntStream.range(first, Math.min(subtasks, first + each)).mapToObj(index -> index + encoded)
                    .collect(Collectors.joining(","));
            for (JsonNode metric : rest.get("/jobs/" + job + "/vertices/" + vertex + "/metrics?get=" + query)) {
                String id = metric.path("id").asText();
                double value = metric.path("value").asDouble(Double.NaN);
                if (!Double.isNaN(value) && id.endsWith("." + name)) {
                    values.put(Integer.valueOf(id.substring(0, id.indexOf('.'))), value);
                }
            }
        }
        return values;
    }

    /** Sums of metrics over all subtasks, by their names. */
    JsonNode sums(String job, String vertex, Iterable<String> names) throws IOException, InterruptedException {
        String query = URLEncoder.encode(String.join(",", names), StandardCharsets.UTF_8);
        return rest.get(path(job, vertex) + "?agg=sum&get=" + query);
    }

    /** Forgets all other jobs. */
    void keep(Set<String> jobs) {
        known.keySet().retainAll(jobs);
    }

    private static String path(String job, String vertex) {
        return "/jobs/" + job + "/vertices/" + vertex + "/subtasks/metrics";
    }
}
