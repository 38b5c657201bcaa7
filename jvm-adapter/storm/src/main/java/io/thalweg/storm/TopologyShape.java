package io.thalweg.storm;

import io.thalweg.bridge.SnapshotWriter;
import io.thalweg.bridge.SnapshotWriter.Grouping;
import io.thalweg.bridge.SnapshotWriter.Kind;
import io.thalweg.bridge.SnapshotWriter.Status;
import io.thalweg.storm.cluster.Settings;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.storm.generated.ComponentCommon;
import org.apache.storm.generated.GlobalStreamId;
import org.apache.storm.generated.StormTopology;
import org.apache.storm.scheduler.ExecutorDetails;
import org.apache.storm.scheduler.TopologyDetails;
import org.apache.storm.utils.Utils;

/** The graph of a topology: its components with their tasks, in the order of their names, and the streams between. */
record TopologyShape(List<Component> components, Map<String, Integer> indices, List<Edge> edges) {
    /** A component and its tasks. */
    record Component(String id, Kind kind, int firstTask, int lastTask) { }

    /** A stream between two components, by index. */
    record Edge(int from, int to, Grouping grouping) { }

    /** Reads the shape off what Nimbus tells a scheduler. */
    static TopologyShape of(TopologyDetails topology) {
        Map<String, int[]> tasks = new TreeMap<>();
        topology.getExecutorToComponent().forEach((executor, component) -> {
            int[] span = tasks.computeIfAbsent(component, c -> new int[] {Integer.MAX_VALUE, Integer.MIN_VALUE});
            span[0] = Math.min(span[0], executor.getStartTask());
            span[1] = Math.max(span[1], executor.getEndTask());
        });
        StormTopology graph = topology.getTopology();
        List<Component> components = new ArrayList<>();
        Map<String, Integer> indices = new HashMap<>();
        tasks.forEach((id, span) -> {
            indices.put(id, components.size());
            components.add(new Component(id, kind(graph, id), span[0], span[1]));
        });
        return new TopologyShape(List.copyOf(components), Map.copyOf(indices), edges(graph, components, indices));
    }

    /** Begins the topology and writes its components and edges; executors are to follow. */
    void write(SnapshotWriter writer, TopologyDetails topology, Status status) {
        writer.topology(topology.getId(), topology.getName(), status, topology.getNumWorkers(),
            Settings.messageTimeoutMillis(topology.getConf()));
        for (Component c : components) {
            writer.component(c.id, c.kind, c.firstTask, c.lastTask);
        }
        for (Edge e : edges) {
            writer.edge(e.from, e.to, e.grouping);
        }
    }

    private static Kind kind(StormTopology graph, String id) {
        if (Utils.isSystemId(id)) {
            return Kind.SYSTEM;
        }
        return graph != null && graph.get_spouts().containsKey(id) ? Kind.SOURCE : Kind.OPERATOR;
    }

    private static List<Edge> edges(StormTopology graph, List<Component> components, Map<String, Integer> indices) {
        List<Edge> edges = new ArrayList<>();
        for (int to = 0; graph != null && to < components.size(); to++) {
            String id = components.get(to).id;
            if (!graph.get_bolts().containsKey(id)) {
                continue;
            }
            ComponentCommon common = graph.get_bolts().get(id).get_common();
            for (Map.Entry<GlobalStreamId, org.apache.storm.generated.Grouping> input : common.get_inputs().entrySet()) {
                Integer from = indices.get(input.getKey().get_componentId());
                if (from != null) {
                    edges.add(new Edge(from, to, grouping(input.getValue())));
                }
            }
        }
        edges.sort(Comparator.comparingInt(Edge::from).thenComparingInt(Edge::to).thenComparing(Edge::grouping));
        return List.copyOf(edges);
    }

    private static Grouping grouping(org.apache.storm.generated.Grouping grouping) {
        return switch (grouping.getSetField()) {
            // Storm writes a global grouping as fields grouping on no field.
            case FIELDS -> grouping.get_fields().isEmpty() ? Grouping.GLOBAL : Grouping.FIELDS;
            case SHUFFLE -> Grouping.SHUFFLE;
            case ALL -> Grouping.ALL;
            case LOCAL_OR_SHUFFLE -> Grouping.LOCAL_OR_SHUFFLE;
            default -> Grouping.CUSTOM;
        };
    }

    /** Executors in the order in which they are always encoded: by component, then by first task. */
    static List<ExecutorDetails> ordered(TopologyDetails topology) {
        List<Map.Entry<ExecutorDetails, String>> executors = new ArrayList<>(topology.getExecutorToComponent().entrySet());
        executors.sort(Map.Entry.<ExecutorDetails, String>comparingByValue().thenComparingInt(e -> e.getKey().getStartTask()));
        return executors.stream().map(Map.Entry::getKey).toList();
    }
}
