package io.thalweg.storm;

import io.thalweg.bridge.SnapshotWriter;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.storm.Constants;
import org.apache.storm.generated.BoltStats;
import org.apache.storm.generated.ExecutorStats;
import org.apache.storm.generated.ExecutorSummary;
import org.apache.storm.generated.GlobalStreamId;
import org.apache.storm.generated.SpoutStats;
import org.apache.storm.utils.Utils;

/** What an executor has done since it started: Storm keeps counts and means per stream, the core wants sums. */
record Counters(int uptimeSecs, long executed, double executeMillis, long acked, double processMillis, long failed,
                long emitted, long transferred, long completed, double completeMillis) {
    /** The window that never forgets. */
    private static final String ALL_TIME = ":all-time";

    /** Reads a summary that carries statistics. */
    static Counters of(ExecutorSummary summary) {
        ExecutorStats stats = summary.get_stats();
        long emitted = users(stats.get_emitted());
        long transferred = users(stats.get_transferred());
        if (stats.get_specific().is_set_bolt()) {
            BoltStats bolt = stats.get_specific().get_bolt();
            // Ticks are work, but no tuples that anybody sent.
            return new Counters(summary.get_uptime_secs(), sent(bolt.get_executed()),
                weigh(bolt.get_executed(), bolt.get_execute_ms_avg()), sent(bolt.get_acked()),
                weigh(sentOnly(bolt.get_acked()), bolt.get_process_ms_avg()), sum(bolt.get_failed()), emitted,
                transferred, 0, 0);
        }
        SpoutStats spout = stats.get_specific().get_spout();
        long completed = sum(spout.get_acked());
        return new Counters(summary.get_uptime_secs(), 0, 0, completed, 0, sum(spout.get_failed()), emitted, transferred,
            completed, weigh(spout.get_acked(), spout.get_complete_ms_avg()));
    }

    /** Writes them behind the executor that the writer got last. */
    void write(SnapshotWriter writer) {
        writer.counters(uptimeSecs, executed, executeMillis, acked, processMillis, failed, emitted, transferred, completed,
            completeMillis);
    }

    /** Tuples that the executors of each component emitted on each stream; components without statistics are absent. */
    static Map<String, Map<String, Long>> emitted(List<ExecutorSummary> executors) {
        Map<String, Map<String, Long>> emitted = new HashMap<>();
        for (ExecutorSummary executor : executors) {
            if (executor.is_set_stats()) {
                Map<String, Long> streams = emitted.computeIfAbsent(executor.get_component_id(), id -> new HashMap<>());
                executor.get_stats().get_emitted().getOrDefault(ALL_TIME, Map.of())
                    .forEach((stream, tuples) -> streams.merge(stream, tuples, Long::sum));
            }
        }
        return emitted;
    }

    private static <K> long sum(Map<String, Map<K, Long>> windows) {
        return windows.getOrDefault(ALL_TIME, Map.of()).values().stream().mapToLong(Long::longValue).sum();
    }

    /** Tuples that components sent, without those of the system, as ticks are. */
    private static long sent(Map<String, Map<GlobalStreamId, Long>> windows) {
        return sum(sentOnly(windows));
    }

    private static Map<String, Map<GlobalStreamId, Long>> sentOnly(Map<String, Map<GlobalStreamId, Long>> windows) {
        return Map.of(ALL_TIME, windows.getOrDefault(ALL_TIME, Map.of()).entrySet().stream()
            .filter(e -> !Constants.SYSTEM_COMPONENT_ID.equals(e.getKey().get_componentId()))
            .collect(Collectors.toMap(Map.Entry::getKey, Map.Entry::getValue)));
    }

    /** Tuples of the user's own streams; Storm's ack and metric streams would count the same work twice. */
    private static long users(Map<String, Map<String, Long>> windows) {
        return windows.getOrDefault(ALL_TIME, Map.of()).entrySet().stream().filter(e -> !Utils.isSystemId(e.getKey()))
            .mapToLong(Map.Entry::getValue).sum();
    }

    private static <K> double weigh(Map<String, Map<K, Long>> counts, Map<String, Map<K, Double>> means) {
        Map<K, Double> mean = means.getOrDefault(ALL_TIME, Map.of());
        return counts.getOrDefault(ALL_TIME, Map.of()).entrySet().stream()
            .mapToDouble(e -> e.getValue() * mean.getOrDefault(e.getKey(), 0.0)).sum();
    }
}
