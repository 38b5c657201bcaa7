package io.thalweg.bridge;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.thalweg.bridge.ThalwegException.Code;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.function.Executable;

@Timeout(60)
class ThalwegEngineTest {
    @TempDir
    static Path folder;

    private static final long NOW = 1763726400123L;

    private final SnapshotWriter writer = new SnapshotWriter();

    @Test
    void theLibraryIsOfTheSameVersionAsTheBuild() throws IOException {
        String manifest = Files.readString(Path.of(System.getProperty("thalweg.repository"), "Cargo.toml"));
        assertTrue(manifest.contains("version = \"" + ThalwegEngine.version() + "\""), ThalwegEngine.version());
    }

    @Test
    void answersEachExecutor() {
        Snapshots.wordcount(writer);
        ByteBuffer out = answers(8);
        try (ThalwegEngine engine = ThalwegEngine.open(config())) {
            assertTrue(engine.observe(writer.finish(), writer.length(), NOW).startsWith("{"));
            engine.assign(writer.finish(), writer.length(), out, NOW);
        }
        for (int executor = 0; executor < 8; executor++) {
            int slot = out.getInt(executor * Integer.BYTES);
            // The last topology may have one worker, and has it on a node that is being drained.
            int least = executor < 5 ? ThalwegEngine.KEEP : ThalwegEngine.NO_ROOM;
            assertTrue(slot >= least && slot < 3, "executor " + executor + ": " + slot);
        }
    }

    @Test
    void unusableBuffersAreRefused() {
        Snapshots.wordcount(writer);
        ByteBuffer snapshot = writer.finish();
        ByteBuffer heap = ByteBuffer.allocate(1 << 10);
        try (ThalwegEngine engine = ThalwegEngine.open(config())) {
            assertCode(Code.SNAPSHOT, "not a direct buffer", () -> engine.observe(heap, 8, NOW));
            assertCode(Code.SNAPSHOT, "not a direct buffer",
                    () -> engine.assign(snapshot, writer.length(), heap, NOW));
            assertCode(Code.SNAPSHOT, "32 bytes needed",
                    () -> engine.assign(snapshot, writer.length(), answers(7), NOW));
            assertCode(Code.SNAPSHOT, "read-only",
                    () -> engine.assign(snapshot, writer.length(), answers(8).asReadOnlyBuffer(), NOW));
            assertCode(Code.SNAPSHOT, "length -1", () -> engine.observe(snapshot, -1, NOW));
            assertCode(Code.SNAPSHOT, "length " + Integer.MAX_VALUE,
                    () -> engine.observe(snapshot, Integer.MAX_VALUE, NOW));
            assertCode(Code.SNAPSHOT, "header", () -> engine.observe(snapshot, writer.length() - 8, NOW));
        }
    }

    @Test
    void errorsAndPanicsAreExceptionsAndTheNextCallWorks() {
        ThalwegEngine.version();
        assertCode(Code.INTERNAL, "is a test", () -> Native.selfTest(1));
        for (int round = 0; round < 3; round++) {
            assertCode(Code.PANIC, "a test of panics at rust-core/jni/src/exports.rs:", () -> Native.selfTest(2));
            assertEquals(7, Native.selfTest(7));
        }
    }

    @Test
    void closedEnginesAreRefused() {
        ThalwegEngine engine = ThalwegEngine.open(config());
        engine.close();
        engine.close();
        assertCode(Code.CLOSED, "closed", () -> engine.command("{}", NOW));
    }

    @Test
    void madeUpHandlesAreRefused() {
        ThalwegEngine.version();
        for (long handle : new long[] {0, -1, 0x7f00_dead_beefL, Long.MIN_VALUE}) {
            assertCode(Code.CLOSED, "engine " + handle, () -> Native.command(handle, "{}", NOW));
            Native.close(handle);
        }
    }

    @Test
    void closingWhileOthersCallIsHarmless() throws Exception {
        int callers = 4;
        Snapshots.cluster(writer, 1_000, 60);
        ByteBuffer snapshot = writer.finish();
        ExecutorService pool = Executors.newFixedThreadPool(callers);
        try {
            for (int round = 0; round < 20; round++) {
                ThalwegEngine engine = ThalwegEngine.open(config());
                CountDownLatch calling = new CountDownLatch(callers);
                Callable<ThalwegException> untilClosed = () -> callUntilRefused(engine, snapshot, calling);
                List<Future<ThalwegException>> ends = new ArrayList<>();
                for (int caller = 0; caller < callers; caller++) {
                    ends.add(pool.submit(untilClosed));
                }
                assertTrue(calling.await(30, TimeUnit.SECONDS));
                engine.close();
                for (Future<ThalwegException> end : ends) {
                    assertEquals(Code.CLOSED, end.get(30, TimeUnit.SECONDS).code());
                }
            }
        } finally {
            pool.shutdownNow();
        }
    }

    private ThalwegException callUntilRefused(ThalwegEngine engine, ByteBuffer snapshot, CountDownLatch calling) {
        ByteBuffer out = answers(1_000);
        while (true) {
            try {
                engine.assign(snapshot, writer.length(), out, NOW);
                calling.countDown();
            } catch (ThalwegException e) {
                calling.countDown();
                return e;
            }
        }
    }

    private static ByteBuffer answers(int executors) {
        return ByteBuffer.allocateDirect(executors * Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static void assertCode(Code code, String message, Executable call) {
        ThalwegException e = assertThrows(ThalwegException.class, call);
        assertEquals(code, e.code(), e.getMessage());
        assertTrue(e.getMessage().contains(message), e.getMessage());
    }

    /** An engine that acts and may write into the folder. */
    private static String config() {
        return "{\"thalweg.mode\": \"act\", \"storm.local.dir\": \"" + folder + "\"}";
    }
}
