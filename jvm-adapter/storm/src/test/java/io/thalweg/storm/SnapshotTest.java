package io.thalweg.storm;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import io.thalweg.bridge.SnapshotWriter;
import io.thalweg.storm.cluster.NodeFacts;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.storm.generated.BoltStats;
import org.apache.storm.generated.ExecutorInfo;
import org.apache.storm.generated.ExecutorSpecificStats;
import org.apache.storm.generated.ExecutorStats;
import org.apache.storm.generated.ExecutorSummary;
import org.apache.storm.generated.GlobalStreamId;
import org.apache.storm.generated.SpoutStats;
import org.apache.storm.scheduler.ExecutorDetails;
import org.apache.storm.scheduler.TopologyDetails;
import org.apache.storm.topology.TopologyBuilder;
import org.junit.jupiter.api.Test;

/** What Storm shows comes out as the vector that the core decides upon as upon Flink's. */
class SnapshotTest {
    private static final Path VECTOR =
        Path.of(System.getProperty("thalweg.repository"), "tests", "vectors", "of-storm.bin");
    private static final GlobalStreamId LINES = new GlobalStreamId("lines", "default");

    @Test
    void aTopologyIsWrittenAsTheVectorSays() throws IOException {
        SnapshotWriter writer = new SnapshotWriter();
        writer.begin(2_500);
        NodesWriter slots = new NodesWriter(writer, Map.of("n1", node("n1", "h1"), "n2", node("n2", "h2")), id -> Double.NaN);
        TopologyDetails topology = words();
        TopologyShape shape = TopologyShape.of(topology);
        ExecutorSummary lines = summary("lines", 1, 1, "h1", 6700, 1_000, ExecutorSpecificStats.spout(
            new SpoutStats(all(Map.of()), all(Map.of()), all(Map.of()))));
        List<ExecutorSummary> executors =
            List.of(lines, split(2, "h1", 6701), split(4, "h2", 6700));
        shape.write(writer, topology, SnapshotWriter.Status.ACTIVE, Counters.emitted(executors));
        Monitor.writeExecutors(writer, shape, executors, slots);
        ByteBuffer encoded = writer.finish();
        byte[] bytes = new byte[writer.length()];
        encoded.get(bytes);
        assertArrayEquals(Files.readAllBytes(VECTOR), bytes);
    }

    private static NodeFacts node(String id, String host) {
        return new NodeFacts(id, host, "", List.of(6700, 6701, 6702, 6703), 100, 1024, false);
    }

    private static TopologyDetails words() {
        TopologyBuilder builder = new TopologyBuilder();
        builder.setSpout("lines", new Synthetic.Source(), 1);
        builder.setBolt("split", new Synthetic.Operator(), 2).shuffleGrouping("lines");
        Map<ExecutorDetails, String> executors = Map.of(new ExecutorDetails(1, 1), "lines",
            new ExecutorDetails(2, 3), "split", new ExecutorDetails(4, 5), "split");
        Map<String, Object> conf = new HashMap<>(Synthetic.CONF);
        conf.put("topology.name", "words");
        return new TopologyDetails("words-1", conf, builder.createTopology(), 2, executors, 0, "user");
    }

    /** 500 lines in ten seconds, 19 ms each: busy for 95 % of the time. */
    private static ExecutorSummary split(int firstTask, String host, int port) {
        BoltStats bolt = new BoltStats(all(Map.of(LINES, 500L)), all(Map.of()), all(Map.of(LINES, 19.0)),
            all(Map.of(LINES, 500L)), all(Map.of(LINES, 19.0)));
        return summary("split", firstTask, firstTask + 1, host, port, 3_500, ExecutorSpecificStats.bolt(bolt));
    }

    private static ExecutorSummary summary(String component, int firstTask, int lastTask, String host, int port,
                                           long emitted, ExecutorSpecificStats specific) {
        ExecutorSummary summary =
            new ExecutorSummary(new ExecutorInfo(firstTask, lastTask), component, host, port, 10);
        summary.set_stats(new ExecutorStats(all(Map.of("default", emitted)), all(Map.of("default", emitted)), specific, 1.0));
        return summary;
    }

    private static <K, V> Map<String, Map<K, V>> all(Map<K, V> values) {
        return Map.of(":all-time", values);
    }
}
