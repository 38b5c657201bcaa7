package io.thalweg.flink.measure;

import io.thalweg.flink.rest.Rest;
import java.io.IOException;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;

/**
 * What a source brings in, and what waits before it, in the unit of its connector.
 *
 * <p>Flink counts what the last operator of a chain gives out. Where a source is chained to others, that is another
 * number of records than the source's, or none at all; so the source operator's own counters are read.
 */
final class SourceReader {
    /** What is known of a source: -1 where nothing is. */
    record Waiting(long backlog, int partitions) {
        static final Waiting UNKNOWN = new Waiting(-1, -1);
    }

    private static final String PENDING = ".pendingRecords";
    private static final Pattern PARTITION = Pattern.compile("\\.topic\\.(.+)\\.partition\\.(\\d+)\\.");
    /** Flink puts what no name may have as an underscore: {@code Source: lines} is this. */
    private static final Pattern OPERATOR = Pattern.compile("(Source__[^.]*)\\.numRecords(In|Out)");
    private static final String IN = ".numRecordsIn";
    private static final String OUT = ".numRecordsOut";
    private static final int LOOKS_PER_READING = 10;

    /** @param operator what the source is called in names; null where none, or more than one, is there */
    private record Names(String pending, int partitions, String operator) { }

    private final MetricNames<Names> names;

    SourceReader(Rest rest) {
        this.names = new MetricNames<>(rest, LOOKS_PER_READING, SourceReader::names,
                found -> found.pending != null && found.operator != null);
    }

    /** Reads what waits. */
    Waiting read(String job, String vertex) throws IOException, InterruptedException {
        Names found = names.of(job, vertex);
        if (found.pending == null) {
            return new Waiting(-1, found.partitions);
        }
        double sum = names.sums(job, vertex, List.of(found.pending)).path(0).path("sum").asDouble(-1);
        return new Waiting(sum >= 0 ? Math.round(sum) : -1, found.partitions);
    }

    /**
     * The records that each subtask brought in, by its index, as what waits is counted. Nothing where the source operator
     * tells none; what it gives out where it does not count what it takes in.
     */
    Map<Integer, Double> brought(String job, String vertex, int subtasks) throws IOException, InterruptedException {
        String operator = names.known(job, vertex).map(found -> found.operator).orElse(null);
        if (operator == null) {
            return Map.of();
        }
        Map<Integer, Double> in = names.bySubtask(job, vertex, operator + IN, subtasks);
        boolean counted = in.values().stream().anyMatch(records -> records > 0);
        return counted ? in : names.bySubtask(job, vertex, operator + OUT, subtasks);
    }

    /** Forgets all other jobs. */
    void keep(Set<String> jobs) {
        names.keep(jobs);
    }

    private static Names names(JsonNode metrics) {
        String pending = null;
        Set<String> partitions = new HashSet<>();
        Set<String> operators = new HashSet<>();
        for (JsonNode metric : metrics) {
            String id = metric.path("id").asText();
            if (id.endsWith(PENDING)) {
                pending = id;
            }
            Matcher partition = PARTITION.matcher(id);
            if (partition.find()) {
                partitions.add(partition.group());
            }
            Matcher operator = OPERATOR.matcher(id);
            if (operator.matches()) {
                operators.add(operator.group(1));
            }
        }
        return new Names(pending, partitions.isEmpty() ? -1 : partitions.size(),
                operators.size() == 1 ? operators.iterator().next() : null);
    }
}
