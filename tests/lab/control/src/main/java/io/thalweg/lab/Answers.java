package io.thalweg.lab;

import java.util.List;
import java.util.Map;
import org.apache.storm.generated.BoltStats;
import org.apache.storm.generated.ClusterSummary;
import org.apache.storm.generated.ExecutorStats;
import org.apache.storm.generated.ExecutorSummary;
import org.apache.storm.generated.SpoutStats;
import org.apache.storm.generated.SupervisorSummary;
import org.apache.storm.generated.TopologyInfo;
import org.apache.storm.generated.TopologySummary;
import org.apache.storm.shade.net.minidev.json.JSONArray;
import org.apache.storm.shade.net.minidev.json.JSONObject;

/** Turns what Nimbus says into JSON. */
final class Answers {
    private static final String ALL_TIME = ":all-time";

    private Answers() {}

    static JSONArray supervisors(ClusterSummary cluster) {
        JSONArray all = new JSONArray();
        for (SupervisorSummary supervisor : cluster.get_supervisors()) {
            all.add(new JSONObject()
                    .appendField("id", supervisor.get_supervisor_id())
                    .appendField("host", supervisor.get_host())
                    .appendField("slots", supervisor.get_num_workers())
                    .appendField("used", supervisor.get_num_used_workers())
                    .appendField("uptime_secs", supervisor.get_uptime_secs()));
        }
        return all;
    }

    static JSONArray topologies(List<TopologySummary> summaries) {
        JSONArray all = new JSONArray();
        for (TopologySummary topology : summaries) {
            all.add(new JSONObject()
                    .appendField("id", topology.get_id())
                    .appendField("name", topology.get_name())
                    .appendField("status", topology.get_status())
                    .appendField("workers", topology.get_num_workers())
                    .appendField("executors", topology.get_num_executors())
                    .appendField("tasks", topology.get_num_tasks()));
        }
        return all;
    }

    static JSONObject topology(TopologyInfo info) {
        JSONArray executors = new JSONArray();
        for (ExecutorSummary executor : info.get_executors()) {
            executors.add(executor(executor));
        }
        return new JSONObject()
                .appendField("id", info.get_id())
                .appendField("name", info.get_name())
                .appendField("status", info.get_status())
                .appendField("uptime_secs", info.get_uptime_secs())
                .appendField("executors", executors);
    }

    private static JSONObject executor(ExecutorSummary executor) {
        return new JSONObject()
                .appendField("component", executor.get_component_id())
                .appendField("first_task", executor.get_executor_info().get_task_start())
                .appendField("last_task", executor.get_executor_info().get_task_end())
                .appendField("host", executor.get_host())
                .appendField("port", executor.get_port())
                .appendField("uptime_secs", executor.get_uptime_secs())
                .appendField("stats", executor.get_stats() == null ? null : stats(executor.get_stats()));
    }

    /** Sums over streams; latencies are means weighted by the counts they are means of. */
    private static JSONObject stats(ExecutorStats stats) {
        JSONObject json = new JSONObject()
                .appendField("emitted", sum(stats.get_emitted()))
                .appendField("transferred", sum(stats.get_transferred()));
        if (stats.get_specific().is_set_bolt()) {
            BoltStats bolt = stats.get_specific().get_bolt();
            return json
                    .appendField("executed", sum(bolt.get_executed()))
                    .appendField("acked", sum(bolt.get_acked()))
                    .appendField("failed", sum(bolt.get_failed()))
                    .appendField("execute_ms", mean(bolt.get_execute_ms_avg(), bolt.get_executed()))
                    .appendField("process_ms", mean(bolt.get_process_ms_avg(), bolt.get_acked()));
        }
        SpoutStats spout = stats.get_specific().get_spout();
        return json
                .appendField("acked", sum(spout.get_acked()))
                .appendField("failed", sum(spout.get_failed()))
                .appendField("complete_ms", mean(spout.get_complete_ms_avg(), spout.get_acked()));
    }

    private static <K> long sum(Map<String, Map<K, Long>> windows) {
        return windows.getOrDefault(ALL_TIME, Map.of()).values().stream().mapToLong(Long::longValue).sum();
    }

    private static <K> double mean(Map<String, Map<K, Double>> means, Map<String, Map<K, Long>> counts) {
        Map<K, Long> weights = counts.getOrDefault(ALL_TIME, Map.of());
        double weighted = 0;
        long total = 0;
        for (Map.Entry<K, Double> entry : means.getOrDefault(ALL_TIME, Map.of()).entrySet()) {
            long weight = weights.getOrDefault(entry.getKey(), 0L);
            weighted += entry.getValue() * weight;
            total += weight;
        }
        return total == 0 ? 0 : weighted / total;
    }
}
