package io.thalweg.storm;

import io.thalweg.bridge.SnapshotWriter;
import io.thalweg.bridge.SnapshotWriter.Grouping;
import io.thalweg.bridge.SnapshotWriter.Kind;
import io.thalweg.bridge.SnapshotWriter.Status;
import io.thalweg.shell.Visible;
import io.thalweg.storm.cluster.Settings;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.apache.storm.Config;
import org.apache.storm.generated.ComponentCommon;
import org.apache.storm.generated.GlobalStreamId;
import org.apache.storm.generated.StormTopology;
import org.apache.storm.scheduler.ExecutorDetails;
import org.apache.storm.scheduler.TopologyDetails;
import org.apache.storm.scheduler.resource.strategies.scheduling.ConstraintSolverConfig;
import org.apache.storm.utils.Utils;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The graph of a topology: its components with their tasks, in the order of their names, and the streams between; and
 * what its user set about Thalweg, as JSON (empty where nothing).
 */
record TopologyShape(List<Component> components, Map<String, Integer> indices, List<Edge> edges, List<Pair> apart,
                     String settings) {
    private static final Logger LOG = LoggerFactory.getLogger(TopologyShape.class);

    /** The newer and the older way to ask for a spread. */
    private static final List<String> SPREAD_KEYS = List.of(Config.TOPOLOGY_RAS_CONSTRAINTS, "topology.spread.components");

    private static final String CPU = "cpu.pcore.percent";
    private static final String ON_HEAP = "onheap.memory.mb";
    private static final String OFF_HEAP = "offheap.memory.mb";

    /**
     * A component, its tasks, what its user declared for each executor (NaN where nothing), the most of them that
     * one node may hold (0 where nobody asks), and where a source reads from, as JSON (empty where it does not tell).
     */
    record Component(String id, Kind kind, int firstTask, int lastTask, double cpuPoints, double memoryMib,
                     double heapMib, int mostPerNode, String feed) { }

    /** Two components that are to be on different nodes, by index. */
    record Pair(int first, int second) { }

    /** A stream between two components, by index. */
    record Edge(int from, int to, Grouping grouping, String stream) { }

    /** Reads the shape off what Nimbus tells a scheduler. */
    static TopologyShape of(TopologyDetails topology) {
        Map<String, int[]> tasks = new TreeMap<>();
        Map<String, ExecutorDetails> some = new HashMap<>();
        topology.getExecutorToComponent().forEach((executor, component) -> {
            int[] span = tasks.computeIfAbsent(component, c -> new int[] {Integer.MAX_VALUE, Integer.MIN_VALUE});
            span[0] = Math.min(span[0], executor.getStartTask());
            span[1] = Math.max(span[1], executor.getEndTask());
            some.put(component, executor);
        });
        StormTopology graph = topology.getTopology();
        List<Component> components = new ArrayList<>();
        Map<String, Integer> indices = new HashMap<>();
        // Where a component declares a resource, the topology's default of it counts for the others.
        boolean cpu = tasks.keySet().stream().anyMatch(id -> declared(graph, id).contains(CPU));
        boolean memory = tasks.keySet().stream().map(id -> declared(graph, id))
            .anyMatch(declared -> declared.contains(ON_HEAP) || declared.contains(OFF_HEAP));
        Optional<ConstraintSolverConfig> asked = constraints(topology, tasks.keySet());
        Map<String, Integer> mostPerNode = asked.map(ConstraintSolverConfig::getMaxNodeCoLocationCnts).orElse(Map.of());
        tasks.forEach((id, span) -> {
            indices.put(id, components.size());
            ExecutorDetails executor = some.get(id);
            Kind kind = kind(graph, id);
            components.add(new Component(id, kind, span[0], span[1],
                cpu ? topology.getTotalCpuReqTask(executor) : Double.NaN,
                memory ? topology.getTotalMemReqTask(executor) : Double.NaN,
                memory ? topology.getOnHeapMemoryRequirement(executor) : Double.NaN,
                mostPerNode.getOrDefault(id, 0), kind == Kind.SOURCE ? KafkaFeed.of(declared(graph, id)) : ""));
        });
        List<Pair> apart = apart(asked.map(ConstraintSolverConfig::getIncompatibleComponentSets).orElse(Map.of()), indices);
        return new TopologyShape(List.copyOf(components), Map.copyOf(indices), edges(graph, components, indices), apart,
            Settings.ofTopology(topology.getConf()));
    }

    /** How components are to be spread over nodes, as Storm itself reads what a topology asks. */
    private static Optional<ConstraintSolverConfig> constraints(TopologyDetails topology, Set<String> components) {
        Map<String, Object> conf = topology.getConf();
        if (SPREAD_KEYS.stream().allMatch(key -> conf.get(key) == null)) {
            return Optional.empty();
        }
        try {
            return Optional.of(new ConstraintSolverConfig(topology.getId(), conf, components));
        } catch (RuntimeException e) {
            LOG.warn("{} asks for a spread that cannot be read ({}): {}", Visible.text(topology.getId()), SPREAD_KEYS,
                Visible.text(e.toString()));
            return Optional.empty();
        }
    }

    private static List<Pair> apart(Map<String, Set<String>> incompatible, Map<String, Integer> indices) {
        return incompatible.entrySet().stream()
            .flatMap(entry -> entry.getValue().stream().map(other -> new Pair(indices.get(entry.getKey()), indices.get(other))))
            .map(pair -> new Pair(Math.min(pair.first, pair.second), Math.max(pair.first, pair.second)))
            .distinct()
            .sorted(Comparator.comparingInt(Pair::first).thenComparingInt(Pair::second))
            .toList();
    }

    /** What a component's user declared, as JSON. */
    private static String declared(StormTopology graph, String id) {
        ComponentCommon common = null;
        if (graph != null && graph.get_bolts().containsKey(id)) {
            common = graph.get_bolts().get(id).get_common();
        } else if (graph != null && graph.get_spouts().containsKey(id)) {
            common = graph.get_spouts().get(id).get_common();
        }
        return common != null && common.is_set_json_conf() ? common.get_json_conf() : "";
    }

    /**
     * Begins the topology and writes its components and edges; executors are to follow.
     *
     * @param emitted tuples emitted by each component on each stream, where known
     */
    void write(SnapshotWriter writer, TopologyDetails topology, Status status, Map<String, Map<String, Long>> emitted) {
        writer.topology(topology.getId(), topology.getName(), status, topology.getNumWorkers(),
            Settings.messageTimeoutMillis(topology.getConf()));
        Double heap = topology.getTopologyWorkerMaxHeapSize();
        writer.workerHeap(heap == null || heap <= 0 ? Double.NaN : heap);
        for (Component c : components) {
            writer.component(c.id, c.kind, c.firstTask, c.lastTask);
            writer.declared(c.cpuPoints, c.memoryMib);
            writer.heap(c.heapMib);
            writer.mostPerNode(c.mostPerNode);
            if (!c.feed.isEmpty()) {
                writer.feed(c.feed);
            }
        }
        for (Edge e : edges) {
            writer.edge(e.from, e.to, e.grouping);
            writer.sent(sent(e, emitted));
        }
        apart.forEach(pair -> writer.apart(pair.first, pair.second));
        if (!settings.isEmpty()) {
            writer.settings(settings);
        }
    }

    /** What the receivers of an edge get: each tuple of its stream, once or in every task. */
    private long sent(Edge edge, Map<String, Map<String, Long>> emitted) {
        Long tuples = emitted.getOrDefault(components.get(edge.from).id, Map.of()).get(edge.stream);
        if (tuples == null) {
            return SnapshotWriter.UNKNOWN;
        }
        Component to = components.get(edge.to);
        return edge.grouping == Grouping.ALL ? tuples * (to.lastTask - to.firstTask + 1) : tuples;
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
                    edges.add(new Edge(from, to, grouping(input.getValue()), input.getKey().get_streamId()));
                }
            }
        }
        edges.sort(Comparator.comparingInt(Edge::from).thenComparingInt(Edge::to).thenComparing(Edge::grouping)
            .thenComparing(Edge::stream));
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
        Map<String, List<ExecutorDetails>> byComponent = new TreeMap<>();
        topology.getExecutorToComponent().forEach((executor, component) ->
            byComponent.computeIfAbsent(component, c -> new ArrayList<>()).add(executor));
        List<ExecutorDetails> ordered = new ArrayList<>(topology.getExecutorToComponent().size());
        for (List<ExecutorDetails> executors : byComponent.values()) {
            executors.sort(Comparator.comparingInt(ExecutorDetails::getStartTask));
            ordered.addAll(executors);
        }
        return ordered;
    }
}
