package io.thalweg.bridge;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.thalweg.bridge.Entries.Entry;
import io.thalweg.bridge.Entries.Refused;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Crossings into the core and back, of every entry, with good and bad input: nothing of them is kept. */
class CrossingsTest {
    /** Crossings; {@code make native-test} has a million. */
    private static final int CROSSINGS = Integer.getInteger("thalweg.crossings", 50_000);
    /** In one of so many rounds engines are opened and closed, looks decided and orders taken: that takes milliseconds, threads and files. */
    private static final Map<String, Integer> SELDOM = Map.of("open", 100, "observe", 10, "command", 10);
    /** Rounds before anything is counted: by then what is kept at most is kept, and the JVM has compiled what it will. */
    private static final int WARM = 1_000;
    /**
     * What may be there more afterwards. A leak of 64 bytes in one of some 27 kinds of calls comes to 2.3 MiB in a million.
     * Outside of the heap, half of that is less than the JVM's own ups and downs in the short run.
     */
    private static final long MOST_HEAP_KIB = 1024;
    private static final long MOST_NATIVE_KIB = 1536;
    /** What is in memory: with it the pieces that the allocators keep, and what the JVM compiles. */
    private static final long MOST_RESIDENT_KIB = 48 * 1024;
    private static final long MOST_DESCRIPTORS = 0;
    /** The JVM starts and ends threads that compile and collect as it likes. */
    private static final long MOST_THREADS = 2;
    private static final Logger LOG = Logger.getLogger("io.thalweg");

    @TempDir
    Path folder;

    @BeforeEach
    void quiet() {
        LOG.setLevel(Level.OFF);
    }

    @AfterEach
    void loud() {
        LOG.setLevel(null);
        NativeLog.refreshThreshold();
    }

    @Test
    void nothingOfThemIsKept() throws IOException {
        try (Entries entries = new Entries(folder)) {
            NativeLog.refreshThreshold();
            List<Entry> all = entries.all();
            for (int round = 0; round < WARM; round++) {
                round(all, round);
            }
            Held before = Held.now();
            long crossings = 0;
            for (int round = 0; crossings < CROSSINGS; round++) {
                crossings += round(all, round);
            }
            Held more = Held.now().since(before);
            System.out.println(crossings + " crossings of " + all.size() + " entries: " + more + " on top of " + before);
            assertTrue(more.heapKib() <= MOST_HEAP_KIB, more::toString);
            assertTrue(more.nativeKib() <= MOST_NATIVE_KIB, more::toString);
            // What is freed stays in memory for a while there, to be told from what is not.
            assertTrue(Boolean.getBoolean("thalweg.sanitized") || more.residentKib() <= MOST_RESIDENT_KIB, more::toString);
            assertTrue(more.descriptors() <= MOST_DESCRIPTORS, more::toString);
            assertTrue(more.threads() <= MOST_THREADS, more::toString);
        }
    }

    /** Calls every entry once with what it takes and with all that it refuses, and tells how many calls that were. */
    private static int round(List<Entry> all, int round) {
        int calls = 0;
        for (Entry entry : all) {
            if (round % SELDOM.getOrDefault(entry.name(), 1) != 0) {
                continue;
            }
            for (Refused refused : entry.bad()) {
                refuse(entry, refused);
            }
            entry.good().run();
            calls += entry.bad().size() + 1;
        }
        return calls;
    }

    private static void refuse(Entry entry, Refused refused) {
        try {
            refused.call().run();
        } catch (ThalwegException e) {
            assertEquals(refused.code(), e.code(), entry.name());
            return;
        }
        throw new AssertionError(entry.name() + " takes what it should refuse");
    }
}
