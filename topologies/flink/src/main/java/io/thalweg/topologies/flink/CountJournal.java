package io.thalweg.topologies.flink;

import io.thalweg.topologies.Journal;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * What one counting subtask did, in three files.
 *
 * <p>{@code count-*} has a line {@code <epoch ms> <words>} each 20 ms in which words came. {@code spout-*} has a line
 * {@code <epoch ms> <words> <words> 0 <sum of latencies> <greatest latency> <latency,latency,...>} each 100 ms, with
 * latencies in milliseconds since the record was made. {@code total-*} has each quarter of a second a line
 * {@code <epoch ms> <word>=<count>,...} of the words whose count changed: the greatest over all files is a word's count.
 */
final class CountJournal implements AutoCloseable {
    private static final long COUNT_MILLIS = 20;
    private static final long LATENCY_MILLIS = 100;
    private static final long TOTAL_MILLIS = 250;

    private final Map<String, Long> changed = new HashMap<>();
    private final StringBuilder latencies = new StringBuilder();
    private final Journal counts;
    private final Journal spouts;
    private final Journal totals;
    private long sinceCount;
    private long sinceLatency;
    private long latencySum;
    private long latencyMax;

    CountJournal(String out, String task) {
        counts = Journal.keep(out, "count", task, COUNT_MILLIS, this::countLine);
        spouts = Journal.keep(out, "spout", task, LATENCY_MILLIS, this::latencyLine);
        totals = Journal.keep(out, "total", task, TOTAL_MILLIS, this::totalLine);
    }

    synchronized void counted(String word, long count, Long madeAtMillis) {
        sinceCount++;
        changed.put(word, count);
        if (madeAtMillis != null) {
            long latency = Math.max(0, System.currentTimeMillis() - madeAtMillis);
            sinceLatency++;
            latencySum += latency;
            latencyMax = Math.max(latencyMax, latency);
            latencies.append(latencies.isEmpty() ? "" : ",").append(latency);
        }
    }

    /** Writes what there is by now. */
    void flush() {
        counts.flush();
        spouts.flush();
        totals.flush();
    }

    @Override
    public void close() {
        counts.close();
        spouts.close();
        totals.close();
    }

    private synchronized Optional<String> countLine() {
        long words = sinceCount;
        sinceCount = 0;
        return words == 0 ? Optional.empty() : Optional.of(Long.toString(words));
    }

    private synchronized Optional<String> latencyLine() {
        if (sinceLatency == 0) {
            return Optional.empty();
        }
        String line = sinceLatency + " " + sinceLatency + " 0 " + latencySum + " " + latencyMax + " " + latencies;
        sinceLatency = latencySum = latencyMax = 0;
        latencies.setLength(0);
        return Optional.of(line);
    }

    private synchronized Optional<String> totalLine() {
        if (changed.isEmpty()) {
            return Optional.empty();
        }
        String line = changed.entrySet().stream()
                .map(count -> count.getKey() + "=" + count.getValue()).collect(Collectors.joining(","));
        changed.clear();
        return Optional.of(line);
    }
}
