package io.thalweg.flink.measure;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import io.thalweg.bridge.SnapshotWriter;
import io.thalweg.flink.measure.Task.Totals;
import io.thalweg.flink.measure.Vertex.Input;
import io.thalweg.shell.Place;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What Flink shows comes out as the vector that the core decides upon as upon Storm's. */
class EncoderTest {
    private static final Path VECTOR =
            Path.of(System.getProperty("thalweg.repository"), "tests", "vectors", "of-flink.bin");
    private static final List<NodeView> NODES =
            List.of(new NodeView("n1", "h1", 4, 100, 1024, Double.NaN, 0),
                    new NodeView("n2", "h2", 4, 100, 1024, Double.NaN, 0));

    private static Task task(int index, String node, Totals totals) {
        return new Task(index, 0, node, true, totals, Task.State.UNKNOWN);
    }

    /** A source on n1 that feeds two subtasks, one on each node, which are busy for 95 % of the time. */
    private static JobView words(double seconds) {
        Totals lines = new Totals(0, 100 * seconds, 500 * seconds, 0, 500 * seconds);
        Totals half = new Totals(50 * seconds, 350 * seconds, 950 * seconds, 0, 50 * seconds);
        Vertex source = new Vertex("aa", "lines", 0, 1, List.of(),
                List.of(task(0, "n1", lines)), SourceReader.Waiting.UNKNOWN);
        Vertex split = new Vertex("bb", "split", 1, 4, List.of(new Input(0, "REBALANCE")),
                List.of(task(0, "n1", half), task(1, "n2", half)), SourceReader.Waiting.UNKNOWN);
        return new JobView("job", "words", "RUNNING", Checkpoint.UNKNOWN, List.of(source, split));
    }

    @Test
    void aJobIsWrittenAsTheVectorSays() throws IOException {
        Encoder encoder = new Encoder();
        encoder.begin(1_000, NODES);
        encoder.job(words(9), (vertex, subtask) -> null, Map.of());
        encoder.finish();
        encoder.begin(2_500, NODES);
        // The slot allocator knows that the source shares its slot with the first subtask.
        encoder.job(words(11), (vertex, subtask) -> vertex.equals("aa") ? new Place("n1", 0) : null, Map.of());
        assertArrayEquals(Files.readAllBytes(VECTOR), bytes(encoder.finish()));
    }

    private static byte[] bytes(SnapshotWriter writer) {
        ByteBuffer encoded = writer.finish();
        byte[] bytes = new byte[writer.length()];
        encoded.get(bytes);
        return bytes;
    }
}
