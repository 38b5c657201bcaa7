package io.thalweg.flink.measure;

import io.thalweg.flink.rest.Rest;
import java.io.IOException;
import java.util.HashSet;
import java.util.List;
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
    private static final int LOOKS_PER_READING = 10;

    private record Names(String pending, int partitions) { }

    private final MetricNames<Names> names;

    SourceReader(Rest rest) {
        this.names = new MetricNames<>(rest, LOOKS_PER_READING, SourceReader::names, found -> found.pending != null);
    }

    /** Reads it. */
    Waiting read(String job, String vertex) throws IOException, InterruptedException {
        Names found = names.of(job, vertex);
        if (found.pending == null) {
            return new Waiting(-1, found.partitions);
        }
        double sum = names.sums(job, vertex, List.of(found.pending)).path(0).path("sum").asDouble(-1);
        return new Waiting(sum >= 0 ? Math.round(sum) : -1, found.partitions);
    }

    /** Forgets all other jobs. */
    void keep(Set<String> jobs) {
        names.keep(jobs);
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
        return new Names(pending, partitions.isEmpty() ? -1 : partitions.size());
    }
}
