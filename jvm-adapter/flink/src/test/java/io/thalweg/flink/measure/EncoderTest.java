package io.thalweg.flink.measure;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.thalweg.bridge.SnapshotWriter;
import io.thalweg.flink.measure.Task.Totals;
import io.thalweg.flink.measure.Vertex.Input;
import io.thalweg.shell.Place;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What Flink shows comes out as the vector that the core decides upon as upon Storm's. */
class EncoderTest {
    private static final Path VECTOR =
            Path.of(System.getProperty("thalweg.repository"), "tests", "vectors", "of-flink.bin");
    private static final List<NodeView> NODES =
            List.of(new NodeView("n1", "h1", 4, 4, 100, 1024, Double.NaN, 0),
                    new NodeView("n2", "h2", 4, 4, 100, 1024, Double.NaN, 0));

    private static Task task(int index, String node, Totals totals) {
        return new Task(index, 0, node, true, totals, Task.State.UNKNOWN);
    }

    /** A source on n1 that feeds two subtasks, one on each node, which are busy for 95 % of the time. */
    private static JobView words(double seconds) {
        Totals lines = new Totals(100 * seconds, 100 * seconds, 500 * seconds, 0, 500 * seconds);
        Totals half = new Totals(50 * seconds, 350 * seconds, 950 * seconds, 0, 50 * seconds);
        Vertex source = new Vertex("aa", "lines", 0, 1, List.of(),
                List.of(task(0, "n1", lines)), SourceReader.Waiting.UNKNOWN, "");
        Vertex split = new Vertex("bb", "split", 1, 4, List.of(new Input(0, "REBALANCE")),
                List.of(task(0, "n1", half), task(1, "n2", half)), SourceReader.Waiting.UNKNOWN, "");
        return new JobView("job", "words", "RUNNING", Checkpoint.UNKNOWN, null, List.of(source, split));
    }

    @Test
    void aJobIsWrittenAsTheVectorSays() throws IOException {
        Encoder encoder = new Encoder();
        encoder.encode(1_000, NODES, List.of(words(9)), (job, vertex, subtask) -> null);
        // The slot allocator knows that the source shares its slot with the first subtask.
        SnapshotWriter encoded = encoder.encode(2_500, NODES, List.of(words(11)),
                (job, vertex, subtask) -> vertex.equals("aa") ? new Place("n1", 0) : null);
        assertArrayEquals(Files.readAllBytes(VECTOR), bytes(encoded));
    }

    /** The ports of node n1, as the encoding has them. */
    private static List<String> ports(int free, JobView... jobs) {
        List<NodeView> nodes = List.of(new NodeView("n1", "h1", 4, free, 100, 1024, Double.NaN, 0));
        ByteBuffer encoded = new Encoder().encode(0, nodes, List.of(jobs), (job, vertex, subtask) -> null).finish();
        encoded.order(ByteOrder.LITTLE_ENDIAN);
        int offset = encoded.getInt(24 + 8);
        List<String> ports = new ArrayList<>();
        for (int slot = 0; slot < encoded.getInt(24 + 8 + 4); slot++) {
            ports.add("" + encoded.getInt(offset + 8 * slot + 4));
        }
        return ports;
    }

    @Test
    void onlySlotsInUseAndThoseThatFlinkCallsFreeAreThere() {
        Totals none = new Totals(0, 0, 0, 0, 0);
        Vertex source = new Vertex("aa", "lines", 0, 1, List.of(), List.of(task(0, "n1", none)),
                SourceReader.Waiting.UNKNOWN, "");
        JobView one = new JobView("one", "one", "RUNNING", Checkpoint.UNKNOWN, null, List.of(source));
        JobView two = new JobView("two", "two", "RUNNING", Checkpoint.UNKNOWN, null, List.of(source));
        assertEquals(List.of("0", "1", "2", "3"), ports(2, one, two));
        // A job that is not read, as a batch job, holds the others.
        assertEquals(List.of("0", "1"), ports(0, one, two));
        assertEquals(List.of("0", "1", "2"), ports(1, one, two));
        assertEquals(List.of(), ports(0));
    }

    @Test
    void verticesThatShareSlotsHaveTheNumberOfTheFirst() {
        List<Vertex> vertices = new ArrayList<>();
        for (String group : List.of("", "g", "h", "g")) {
            String id = "v" + vertices.size();
            vertices.add(new Vertex(id, id, vertices.size(), 1, List.of(), List.of(), SourceReader.Waiting.UNKNOWN, group));
        }
        JobView job = new JobView("job", "job", "RUNNING", Checkpoint.UNKNOWN, null, vertices);
        ByteBuffer encoded = new Encoder().encode(0, NODES, List.of(job), (j, v, s) -> null).finish();
        encoded.order(ByteOrder.LITTLE_ENDIAN);
        int components = encoded.getInt(24 + 8 * 3);
        List<Integer> groups = new ArrayList<>();
        for (int index = 0; index < 4; index++) {
            groups.add(encoded.getInt(components + 72 * index + 64));
        }
        assertEquals(List.of(0, 2, 3, 2), groups);
    }

    private static byte[] bytes(SnapshotWriter writer) {
        ByteBuffer encoded = writer.finish();
        byte[] bytes = new byte[writer.length()];
        encoded.get(bytes);
        return bytes;
    }
}
