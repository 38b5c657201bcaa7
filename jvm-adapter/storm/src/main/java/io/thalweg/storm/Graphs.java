package io.thalweg.storm;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.thalweg.storm.cluster.Settings;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.storm.Config;
import org.apache.storm.daemon.StormCommon;
import org.apache.storm.generated.ExecutorSummary;
import org.apache.storm.generated.StormTopology;
import org.apache.storm.generated.TopologySummary;
import org.apache.storm.scheduler.ExecutorDetails;
import org.apache.storm.scheduler.TopologyDetails;
import org.apache.storm.thrift.TException;

/**
 * What topologies are, as a scheduler in Nimbus would be told it, put together from what Nimbus tells clients. Configuration
 * and graph are large and seldom change, so they are read anew only when a topology's summary differs.
 */
final class Graphs {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final TypeReference<Map<String, Object>> CONF = new TypeReference<>() { };

    private final Map<String, Known> known = new HashMap<>();

    /** What of a summary changes with every rebalance and with nothing else for long. */
    private record Marks(String status, int executors, int tasks, int workers, double cpu, double onHeapMib, double offHeapMib) {
        static Marks of(TopologySummary summary) {
            return new Marks(summary.get_status(), summary.get_num_executors(), summary.get_num_tasks(), summary.get_num_workers(),
                summary.get_requested_cpu(), summary.get_requested_memonheap(), summary.get_requested_memoffheap());
        }
    }

    private record Known(Marks marks, Map<String, Object> conf, StormTopology graph, Map<String, Set<Integer>> tasks) { }

    /** A topology, whose running executors are these. */
    TopologyDetails of(TopologySummary summary, List<ExecutorSummary> executors, Questions questions) throws TException {
        Known one = known.get(summary.get_id());
        if (one == null || !one.marks.equals(Marks.of(summary))) {
            one = read(summary, questions);
            known.put(summary.get_id(), one);
        }
        // Nimbus tells how many workers run, not how many are asked for. Fewer run where slots are short, and more than were
        // first asked for only after a rebalance.
        long asked = Settings.number(one.conf, Config.TOPOLOGY_WORKERS, 1, 1);
        int workers = (int) Math.min(Integer.MAX_VALUE, Math.max(asked, summary.get_num_workers()));
        return new TopologyDetails(summary.get_id(), one.conf, one.graph, workers, components(executors, one.tasks), 0,
            summary.get_owner());
    }

    /** Forgets all other topologies. */
    void keep(Set<String> topologies) {
        known.keySet().retainAll(topologies);
    }

    /** Reads a JSON object of settings. */
    static Map<String, Object> conf(String json) throws TException {
        try {
            return JSON.readValue(json, CONF);
        } catch (JsonProcessingException e) {
            throw new TException("a configuration is no JSON object: " + e.getOriginalMessage());
        }
    }

    private static Known read(TopologySummary summary, Questions questions) throws TException {
        String id = summary.get_id();
        Map<String, Object> conf = conf(questions.ask("getTopologyConf", id, nimbus -> nimbus.getTopologyConf(id)));
        StormTopology graph = questions.ask("getUserTopology", id, nimbus -> nimbus.getUserTopology(id));
        return new Known(Marks.of(summary), conf, graph, tasks(graph, conf));
    }

    /** The tasks of each component, by the same rule by which Nimbus gave them their numbers. */
    private static Map<String, Set<Integer>> tasks(StormTopology graph, Map<String, Object> conf) throws TException {
        Map<String, Set<Integer>> tasks = new TreeMap<>();
        StormCommon.stormTaskInfo(graph, conf).forEach((task, component) ->
            tasks.computeIfAbsent(component, c -> new TreeSet<>()).add(task));
        return tasks;
    }

    /**
     * The component of each executor. Nimbus lists those that have a worker, so each task that none of them runs stands for
     * itself: it belongs to its component's span. Where Nimbus has numbered tasks by another rule, only what it lists counts.
     */
    private static Map<ExecutorDetails, String> components(List<ExecutorSummary> executors, Map<String, Set<Integer>> tasks) {
        Map<ExecutorDetails, String> components = new HashMap<>();
        boolean sameRule = executors.stream().allMatch(executor -> tasks.getOrDefault(executor.get_component_id(), Set.of())
            .contains(executor.get_executor_info().get_task_start()));
        Map<String, Set<Integer>> missing = new HashMap<>();
        if (sameRule) {
            tasks.forEach((component, all) -> missing.put(component, new TreeSet<>(all)));
        }
        for (ExecutorSummary executor : executors) {
            int first = executor.get_executor_info().get_task_start();
            int last = executor.get_executor_info().get_task_end();
            components.put(new ExecutorDetails(first, last), executor.get_component_id());
            missing.getOrDefault(executor.get_component_id(), new TreeSet<>()).removeIf(task -> task >= first && task <= last);
        }
        missing.forEach((component, rest) -> rest.forEach(task -> components.put(new ExecutorDetails(task, task), component)));
        return components;
    }
}
