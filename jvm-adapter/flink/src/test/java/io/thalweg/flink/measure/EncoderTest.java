package io.thalweg.flink.measure;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import io.thalweg.bridge.SnapshotWriter;
import io.thalweg.bridge.SnapshotWriter.Grouping;
import io.thalweg.bridge.SnapshotWriter.Kind;
import io.thalweg.bridge.SnapshotWriter.Status;
import io.thalweg.flink.measure.Task.Totals;
import io.thalweg.flink.measure.Vertex.Input;
import io.thalweg.shell.Place;
import java.nio.ByteBuffer;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What Flink shows comes out as the very bytes that any shell writes for the same topology, so it is decided alike. */
class EncoderTest {
    private static final List<NodeView> NODES = List.of(
            new NodeView("n1", "h1", 2, 100, 1024), new NodeView("n2", "h2", 1, 50, 512));

    private static Task task(int index, String node, double read, double written, double seconds) {
        return new Task(index, 0, node, true,
                new Totals(read, written, 600 * seconds, 100 * seconds, 300 * seconds));
    }

    /** A source on n1 that feeds two subtasks, one on each node. */
    private static JobView words(double seconds) {
        Vertex source = new Vertex("aa", "Source: lines", 0, 4, List.of(),
                List.of(task(0, "n1", 0, 100 * seconds, seconds)), new SourceReader.Waiting(7, 2));
        Vertex split = new Vertex("bb", "split", 4, 5, List.of(new Input(0, "REBALANCE")),
                List.of(task(0, "n1", 50 * seconds, 350 * seconds, seconds),
                        task(1, "n2", 50 * seconds, 350 * seconds, seconds)),
                SourceReader.Waiting.UNKNOWN);
        return new JobView("job", "words", "RUNNING", List.of(source, split));
    }

    @Test
    void aJobIsWrittenAsAnyTopologyIs() {
        Encoder encoder = new Encoder();
        encoder.begin(1_000, NODES);
        encoder.job(words(10), (vertex, subtask) -> null);
        encoder.finish();
        encoder.begin(2_500, NODES);
        // The slot allocator knows that the source shares its slot with the first subtask.
        encoder.job(words(12), (vertex, subtask) -> vertex.equals("aa") ? new Place("n1", 0) : null);

        SnapshotWriter writer = new SnapshotWriter();
        writer.begin(2_500);
        int first = writer.node("n1", "h1", "", 0, 100, 1024, Double.NaN);
        int slot = writer.slot(first, 0);
        writer.slot(first, 1);
        int other = writer.slot(writer.node("n2", "h2", "", 0, 50, 512, Double.NaN), 0);
        writer.topology("job", "words", Status.ACTIVE, 2, 0);
        writer.component("Source: lines", Kind.SOURCE, 0, 3);
        writer.waiting(7, 2);
        writer.component("split", Kind.OPERATOR, 4, 8);
        writer.waiting(0, -1);
        writer.edge(0, 1, Grouping.SHUFFLE);
        writer.executor(0, 0, 3, slot);
        counters(writer, 1_100);
        writer.executor(1, 4, 6, slot);
        counters(writer, 550);
        writer.executor(1, 7, 8, other);
        counters(writer, 550);

        assertArrayEquals(bytes(writer), bytes(encoder.finish()));
    }

    /** At second 2 of the clock, 11 after the subtasks began: 60 % busy, 10 % back-pressured. */
    private static void counters(SnapshotWriter writer, long executed) {
        long emitted = executed == 1_100 ? executed : 7 * executed;
        writer.counters(11, executed, 6_600, executed, 7_700, 0, emitted, emitted, 0, 0);
        writer.times(6_600, 1_100, 3_300, Double.NaN);
    }

    private static byte[] bytes(SnapshotWriter writer) {
        ByteBuffer encoded = writer.finish();
        byte[] bytes = new byte[writer.length()];
        encoded.get(bytes);
        return bytes;
    }
}
