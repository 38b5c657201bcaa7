package io.thalweg.storm.act;

import java.util.Collection;
import java.util.Map;
import org.apache.storm.generated.ClusterWorkerHeartbeat;
import org.apache.storm.generated.ExecutorStats;
import org.apache.storm.utils.Utils;

/**
 * What the workers of a topology's sources reported last.
 *
 * @param atMillis when the oldest of the reports was made, by the clock of its worker, which knows whole seconds
 * @param tuples emitted and neither acknowledged nor failed since the workers started
 * @param settled acknowledged or failed since then
 */
record Pending(long atMillis, long tuples, long settled) {
    private static final String ALL_TIME = ":all-time";

    /** Adds up the reports of all workers with sources; nothing is known while one of them has not reported. */
    static Pending of(Collection<ClusterWorkerHeartbeat> reports) {
        long at = Long.MAX_VALUE;
        long emitted = 0;
        long settled = 0;
        for (ClusterWorkerHeartbeat report : reports) {
            if (report == null) {
                return new Pending(0, 0, 0);
            }
            at = Math.min(at, 1000 * secs(report));
            for (ExecutorStats stats : report.get_executor_stats().values()) {
                boolean source = stats != null && stats.is_set_specific() && stats.get_specific().is_set_spout();
                if (source) {
                    emitted += sum(stats.get_emitted());
                    settled += sum(stats.get_specific().get_spout().get_acked())
                        + sum(stats.get_specific().get_spout().get_failed());
                }
            }
        }
        return new Pending(reports.isEmpty() ? 0 : at, Math.max(0, emitted - settled), settled);
    }

    /** The field has become a longer number with Storm 3.0, so that its getter is another one there. */
    private static long secs(ClusterWorkerHeartbeat report) {
        return ((Number) report.getFieldValue(ClusterWorkerHeartbeat._Fields.TIME_SECS)).longValue();
    }

    /** Storm's own streams, such as those to ackers, are no tuples that anybody waits for. */
    private static long sum(Map<String, Map<String, Long>> windows) {
        return windows.getOrDefault(ALL_TIME, Map.of()).entrySet().stream().filter(stream -> !Utils.isSystemId(stream.getKey()))
            .mapToLong(Map.Entry::getValue).sum();
    }
}
