package io.thalweg.storm;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.thalweg.bridge.Costs;
import io.thalweg.shell.Actuator;
import io.thalweg.shell.Engine;
import io.thalweg.shell.EngineFacade;
import io.thalweg.shell.NativeEngine;
import io.thalweg.storm.act.ClusterStates;
import io.thalweg.storm.cluster.Meters;
import io.thalweg.storm.cluster.NodeFacts;
import io.thalweg.storm.cluster.Rounds;
import io.thalweg.storm.cluster.Settings;
import io.thalweg.storm.cluster.StateLink;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.apache.storm.generated.Nimbus;
import org.apache.storm.metric.StormMetricsRegistry;
import org.apache.storm.scheduler.TopologyDetails;
import org.apache.storm.security.auth.ThriftConnectionType;
import org.apache.storm.security.auth.ThriftServer;
import org.apache.storm.testing.InProcessZookeeper;

/**
 * What looking at a cluster costs the JVM that Nimbus runs in, and how many calls Nimbus has to answer: topologies of 20
 * components and 36 executors that all run, over Storm's own Thrift server, decided on in mode {@code observe}. Answers are
 * made beforehand, so what Nimbus does to make them is not in it; that they are packed, carried and read is. Run it by hand.
 */
final class LookBenchmark {
    /** How many topologies; others may be named in the property {@code sizes}. */
    private static final String SIZES = "10,100,1000";
    private static final int NODES = 100;
    private static final long INTERVAL_MILLIS = 10_000;
    /** Whole looks, from the beginning of one to the beginning of another; the first ones warm the JVM up. */
    private static final int WARM = 2;
    private static final int MEASURED = 3;
    private static final String MONITOR = "thalweg-monitor";

    private LookBenchmark() { }

    /** Prints a table, and leaves it as {@code target/bench/look-storm.json}. */
    public static void main(String[] args) throws Exception {
        Path repository = Path.of(System.getProperty("thalweg.repository"));
        // Before anything logs: each topology has a line or two to say.
        System.setProperty("log4j2.configurationFile",
            repository.resolve("jvm-adapter/storm/src/bench/resources/quiet.xml").toString());
        ArrayNode rows = JsonNodeFactory.instance.arrayNode();
        System.out.println("topologies  executors  look s  every s  calls in any s  monitor % of a core  JVM %  heap MiB  native MiB");
        for (int size : Stream.of(System.getProperty("sizes", SIZES).split(",")).mapToInt(Integer::parseInt).toArray()) {
            ObjectNode row = measure(size);
            rows.add(row);
            System.out.printf(Locale.ROOT, "%10d %10d %7.1f %8.1f %15d %20.2f %6.2f %9.0f %12.0f%n", size, row.path("executors").asInt(),
                row.path("look_secs").asDouble(), row.path("cycle_secs").asDouble(), row.path("most_calls_in_a_second").asInt(),
                row.path("monitor_percent_of_a_core").asDouble(), row.path("jvm_percent_of_a_core").asDouble(),
                row.path("heap_mib").asDouble(), row.path("native_mib").asDouble());
        }
        Path out = repository.resolve("target/bench/look-storm.json");
        Files.createDirectories(out.getParent());
        new ObjectMapper().writerWithDefaultPrettyPrinter().writeValue(out.toFile(), rows);
    }

    private static ObjectNode measure(int size) throws Exception {
        RunningCluster cluster = new RunningCluster(size, NODES);
        Map<String, Object> conf = new HashMap<>(Synthetic.CONF);
        Path local = Files.createTempDirectory("thalweg-look");
        int port = RunningCluster.freePort();
        conf.putAll(Map.of("storm.local.dir", local.toString(), "storm.local.hostname", "127.0.0.1", "nimbus.thrift.port", port,
            "thalweg.mode", "observe", "storm.zookeeper.servers", List.of("127.0.0.1")));
        ThriftServer server = new ThriftServer(conf, new Nimbus.Processor<>(cluster.nimbus()), ThriftConnectionType.NIMBUS);
        Thread serving = new Thread(server::serve, "nimbus");
        serving.start();
        InProcessZookeeper zookeeper = new InProcessZookeeper();
        try {
            conf.put("storm.zookeeper.port", (int) zookeeper.getPort());
            double heap = Costs.heapMib();
            double outside = Costs.outsideJvmMib();
            return look(conf, cluster, () -> JsonNodeFactory.instance.objectNode()
                .put("heap_mib", Costs.heapMib() - heap).put("native_mib", Costs.outsideJvmMib() - outside))
                .put("topologies", size).put("executors", cluster.executors());
        } finally {
            zookeeper.close();
            server.stop();
            serving.join();
            Costs.remove(local);
        }
    }

    /** Looks at a cluster for a while, and tells what that took; memory is measured before the end. */
    private static ObjectNode look(Map<String, Object> conf, RunningCluster cluster, Memory memory) throws Exception {
        Settings settings = Settings.of(conf);
        Rounds rounds = new Rounds(INTERVAL_MILLIS);
        rounds.seen(new Rounds.View(nodes(), byId(cluster)));
        StateLink state = new StateLink(conf);
        try (Engine engine = new NativeEngine(settings.libraryPath(), Settings.forEngine(conf))) {
            EngineFacade facade = new EngineFacade(engine);
            try (ClusterStates states = new ClusterStates(conf, settings, rounds, facade, state);
                    Actuator actuator = new Actuator(facade, states, settings.stepTimeoutMillis(), result -> { });
                    Monitor monitor = new Monitor(conf, settings, rounds, engine, state, facade, actuator, new Shapes(),
                        new Adopted(settings.folder().resolve("placed")), new Meters(new StormMetricsRegistry()))) {
                actuator.start();
                monitor.start();
                return follow(cluster).setAll(memory.used());
            }
        } finally {
            state.close();
        }
    }

    /** What is in use beyond what was before. */
    @FunctionalInterface
    private interface Memory {
        ObjectNode used() throws java.io.IOException;
    }

    /** Waits for whole looks, and tells what they took. */
    private static ObjectNode follow(RunningCluster cluster) throws InterruptedException {
        cluster.awaitLooks(WARM);
        Costs.While looks = Costs.While.of(MONITOR, () -> cluster.awaitLooks(WARM + MEASURED));
        return JsonNodeFactory.instance.objectNode()
            .put("look_secs", cluster.longestLookSecs()).put("cycle_secs", looks.secs() / MEASURED)
            .put("most_calls_in_a_second", cluster.mostCallsInASecond())
            .put("monitor_percent_of_a_core", looks.threadPercent())
            .put("jvm_percent_of_a_core", looks.processPercent());
    }

    private static Map<String, NodeFacts> nodes() {
        Map<String, NodeFacts> nodes = new HashMap<>();
        List<Integer> ports = IntStream.range(0, RunningCluster.PORTS).mapToObj(i -> RunningCluster.FIRST_PORT + i).toList();
        for (int i = 0; i < NODES; i++) {
            nodes.put("node-" + i, new NodeFacts("node-" + i, "node-" + i, "", ports, 800, 65_536, false));
        }
        return nodes;
    }

    private static Map<String, TopologyDetails> byId(RunningCluster cluster) {
        Map<String, TopologyDetails> byId = new HashMap<>();
        cluster.topologies().forEach(topology -> byId.put(topology.getId(), topology));
        return byId;
    }
}
