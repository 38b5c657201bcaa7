package io.thalweg.bridge;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.thalweg.bridge.ThalwegException.Code;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class SnapshotWriterTest {
    private static final Path VECTORS = Path.of(System.getProperty("thalweg.repository"), "tests", "vectors");

    private final SnapshotWriter writer = new SnapshotWriter();

    @BeforeAll
    static void load() {
        NativeLibrary.load(null);
    }

    static Stream<Arguments> vectors() {
        Consumer<SnapshotWriter> empty = Snapshots::empty;
        Consumer<SnapshotWriter> wordcount = Snapshots::wordcount;
        return Stream.of(Arguments.of("empty", empty), Arguments.of("wordcount", wordcount));
    }

    @ParameterizedTest
    @MethodSource("vectors")
    void writesTheBytesThatRustReads(String name, Consumer<SnapshotWriter> snapshot) throws IOException {
        snapshot.accept(writer);
        assertArrayEquals(Files.readAllBytes(VECTORS.resolve(name + ".bin")), encoded());
    }

    @Test
    void leavesNothingOfTheSnapshotBefore() {
        Snapshots.wordcount(writer);
        byte[] fresh = encoded();
        Snapshots.cluster(writer, 5_000, 300);
        Snapshots.wordcount(writer);
        assertArrayEquals(fresh, encoded());
    }

    @Test
    void growsAndIsRead() {
        Snapshots.cluster(writer, 36_000, 2_000);
        assertEquals(36_000, Native.inspect(writer.finish(), writer.length()));
    }

    @Test
    void refusesWhatBelongsToNothing() {
        writer.begin(0);
        assertThrows(IllegalStateException.class, () -> writer.executor(0, 1, 1, SnapshotWriter.NO_SLOT));
        assertThrows(IllegalStateException.class, () -> writer.sent(1));
        assertThrows(IllegalStateException.class, () -> writer.waiting(1, 1));
        assertThrows(IllegalStateException.class, () -> writer.counters(0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
    }

    @Test
    void aMistakeIsToldWithItsPlace() {
        writer.begin(0);
        int node = writer.node("a", "a", "", 0, 0, 0, 0);
        writer.slot(node, 6701);
        writer.slot(node, 6700);
        ByteBuffer snapshot = writer.finish();
        ThalwegException e =
                assertThrows(ThalwegException.class, () -> Native.inspect(snapshot, writer.length()));
        assertEquals(Code.SNAPSHOT, e.code());
        assertEquals("SNAPSHOT: slot 1: port is 6700, below 6702", e.getMessage());
    }

    private byte[] encoded() {
        byte[] bytes = new byte[writer.length()];
        writer.finish().get(bytes);
        return bytes;
    }
}
