package io.thalweg.storm;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.thalweg.storm.cluster.Settings;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.apache.storm.Config;
import org.apache.storm.daemon.StormCommon;
import org.apache.storm.generated.ExecutorInfo;
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

    /** A topology as a scheduler sees it, and all of its executors. */
    record Whole(TopologyDetails details, List<ExecutorSummary> executors) { }

    /** A topology, of which Nimbus lists these executors. */
    Whole of(TopologySummary summary, List<ExecutorSummary> listed, Questions questions) throws TException {
        Known one = known.get(summary.get_id());
        if (one == null || !one.marks.equals(Marks.of(summary))) {
            one = read(summary, questions);
            known.put(summary.get_id(), one);
        }
        // Nimbus tells how many workers run, not how many are asked for. Fewer run where slots are short, and more than were
        // first asked for only after a rebalance.
        long asked = Settings.number(one.conf, Config.TOPOLOGY_WORKERS, 1, 1);
        int workers = (int) Math.min(Integer.MAX_VALUE, Math.max(asked, summary.get_num_workers()));
        List<ExecutorSummary> executors = new ArrayList<>(listed);
        executors.addAll(unlisted(listed, one.tasks));
        Map<ExecutorDetails, String> components = new HashMap<>();
        executors.forEach(executor -> components.put(new ExecutorDetails(executor.get_executor_info().get_task_start(),
            executor.get_executor_info().get_task_end()), executor.get_component_id()));
        return new Whole(new TopologyDetails(summary.get_id(), one.conf, one.graph, workers, components, 0, summary.get_owner()),
            List.copyOf(executors));
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
     * Executors that stand for all tasks that no listed one runs: without a slot, and nobody knows how many there will be.
     * Nimbus lists only those that have a worker, and one that has just begun to lead none at all. Where it has numbered tasks
     * by another rule, what it lists is all that is known.
     */
    private static List<ExecutorSummary> unlisted(List<ExecutorSummary> listed, Map<String, Set<Integer>> tasks) {
        boolean sameRule = listed.stream().allMatch(executor -> tasks.getOrDefault(executor.get_component_id(), Set.of())
            .contains(executor.get_executor_info().get_task_start()));
        List<ExecutorSummary> unlisted = new ArrayList<>();
        if (!sameRule) {
            return unlisted;
        }
        Set<Integer> run = new HashSet<>();
        listed.forEach(executor -> run.addAll(IntStream.rangeClosed(executor.get_executor_info().get_task_start(),
            executor.get_executor_info().get_task_end()).boxed().toList()));
        tasks.forEach((component, all) -> {
            ExecutorInfo last = null;
            for (int task : all) {
                if (run.contains(task)) {
                    last = null;
                } else if (last == null) {
                    last = new ExecutorInfo(task, task);
                    unlisted.add(new ExecutorSummary(last, component, "", 0, 0));
                } else {
                    last.set_task_end(task);
                }
            }
        });
        return unlisted;
    }
}
