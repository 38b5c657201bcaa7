package io.thalweg.flink;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.thalweg.bridge.Faults;
import io.thalweg.bridge.Faults.Kind;
import io.thalweg.bridge.ThalwegException;
import io.thalweg.flink.rest.FakeFlink;
import io.thalweg.shell.Leadership;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.locks.LockSupport;
import org.apache.flink.api.common.JobID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A fault at each native entry, under the engine that is shipped: Flink's own scheduler is left to itself, and it is counted. */
@Timeout(180)
class NativeFaultsTest {
    private static final long PATIENCE_NANOS = 60_000_000_000L;

    /** What comes of a fault at an entry. */
    private enum Then {
        /** Thalweg does not start, so Flink's own factory makes each scheduler. */
        NO_START,
        /** It starts, each look fails and is counted, and nothing is changed. */
        NO_LOOK,
        /** Nobody calls it on the way. */
        NO_MATTER
    }

    /** Every entry has to be here, or the first test fails. */
    private static final Map<String, Then> ENTRIES = new TreeMap<>(Map.ofEntries(
            // Asked once as the library is loaded: NativeLibraryTest of the bridge has what comes of it.
            Map.entry("start", Then.NO_MATTER),
            Map.entry("logThreshold", Then.NO_START),
            Map.entry("open", Then.NO_START),
            Map.entry("command", Then.NO_START),
            Map.entry("observe", Then.NO_LOOK),
            // Slots are chosen by plans: no round asks.
            Map.entry("assign", Then.NO_MATTER),
            // As it ends.
            Map.entry("close", Then.NO_MATTER),
            // What only tests and people ask.
            Map.entry("version", Then.NO_MATTER),
            Map.entry("inspect", Then.NO_MATTER),
            Map.entry("selfTest", Then.NO_MATTER),
            Map.entry("plant", Then.NO_MATTER)));

    @TempDir
    Path folder;

    private int run;

    @Test
    void noEntryIsMissing() {
        assertEquals(Faults.entries(), ENTRIES.keySet());
    }

    @Test
    void whicheverEntryFailsFromTheStartFlinkIsLeftToItselfAndTheNextStartWorks() {
        ENTRIES.forEach((entry, then) -> {
            for (Kind kind : Kind.values()) {
                Settings settings = settings("http://127.0.0.1:1");
                Faults.during(entry, kind, () -> {
                    if (then == Then.NO_START) {
                        ThalwegException e = assertThrows(ThalwegException.class, () -> started(settings), entry + " " + kind);
                        assertEquals(kind.code(), e.code().name().toLowerCase(Locale.ROOT), entry);
                    } else if (!entry.equals("close")) {
                        assertDoesNotThrow(() -> started(settings).close(), entry + " " + kind);
                    }
                });
                // The store is nobody's, so nothing of the failed start is left open.
                assertDoesNotThrow(() -> started(settings).close(), entry + " " + kind);
            }
        });
    }

    @Test
    void aLookThatFailsIsCountedAndChangesNothing() throws IOException {
        try (FakeFlink flink = new FakeFlink().taskManager().streamingJob("a", "orders").on("/jobs",
                "{\"jobs\": [{\"id\": \"a\", \"status\": \"RUNNING\"}]}")) {
            for (Kind kind : Kind.values()) {
                Settings settings = settings("http://127.0.0.1:" + flink.port());
                try (Thalweg thalweg = started(settings)) {
                    Faults.during("observe", kind, () -> waitForStatus(settings, "\"monitor_error\""));
                    // A job that comes meanwhile is Flink's to place, as that is what its allocator is told.
                    Faults.during("command", kind, () -> assertThrows(ThalwegException.class, () -> thalweg.table(new JobID())));
                    assertEquals(Optional.empty(), thalweg.table(new JobID()));
                }
            }
            assertTrue(flink.changes().isEmpty(), () -> flink.changes().toString());
        }
    }

    private static Thalweg started(Settings settings) {
        return new Thalweg(settings, Jobs.all(), Leadership.ALONE);
    }

    private Settings settings(String rest) {
        Path store = folder.resolve("store-" + run++);
        return Settings.of(Map.of("thalweg.store.dir", store.toString(), "thalweg.mode", "act",
                "thalweg.monitor.interval.secs", "1", "rest.address", "127.0.0.1", "rest.port", rest.replaceAll(".*:", "")));
    }

    private void waitForStatus(Settings settings, String word) {
        Path status = folder.resolve("store-" + (run - 1)).resolve("status.json");
        long end = System.nanoTime() + PATIENCE_NANOS;
        String seen = "";
        while (System.nanoTime() < end) {
            try {
                seen = Files.exists(status) ? Files.readString(status) : "";
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            if (seen.contains(word)) {
                return;
            }
            LockSupport.parkNanos(50_000_000L);
        }
        throw new AssertionError(settings.forEngine() + ": no " + word + " in " + seen);
    }
}
