package io.thalweg.bridge;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NativeLogTest {
    private static final Logger ROOT = Logger.getLogger("io.thalweg");

    private final List<String> lines = new CopyOnWriteArrayList<>();
    private final Handler handler = new Handler() {
        @Override
        public void publish(LogRecord line) {
            lines.add(line.getLevel() + " " + line.getLoggerName() + ": " + line.getMessage());
        }

        @Override
        public void flush() {}

        @Override
        public void close() {}
    };

    @BeforeEach
    void listen() {
        NativeLibrary.load(null);
        ROOT.addHandler(handler);
        ROOT.setUseParentHandlers(false);
        handler.setLevel(Level.ALL);
        hear(Level.INFO);
    }

    @AfterEach
    void stopListening() {
        ROOT.removeHandler(handler);
        ROOT.setUseParentHandlers(true);
        hear(null);
    }

    @Test
    void linesArriveWithTheirFields() {
        Native.selfTest(7);
        assertEquals(List.of("INFO io.thalweg.jni.exports: loud what=7"), lines);
    }

    @Test
    void levelsAreTheJvms() {
        hear(Level.FINE);
        Native.selfTest(7);
        assertEquals("FINE io.thalweg.jni.exports: quiet", lines.get(0));
        assertEquals(2, lines.size());
        hear(Level.OFF);
        Native.selfTest(7);
        assertEquals(2, lines.size());
    }

    @Test
    void threadsOfTheCoreAreHeardAndForgotten() {
        int before = Thread.activeCount();
        for (int round = 0; round < 10; round++) {
            assertEquals(1, Native.selfTest(3));
        }
        assertEquals(10, lines.size());
        assertEquals("WARNING io.thalweg.jni.exports: from a thread of ours answer=42", lines.get(9));
        assertTrue(Thread.activeCount() <= before, "the core's threads are still known to the JVM");
    }

    @Test
    void panicsOfTheCoresThreadsAreHeard() {
        assertEquals(0, Native.selfTest(4));
        assertEquals(1, lines.size());
        assertTrue(lines.get(0).startsWith("SEVERE io.thalweg.jni.outcome: panic: a thread's panic place="), lines.get(0));
    }

    @Test
    void whatOthersChoseEndsNoLine(@TempDir Path store) {
        // As JSON has it: a line's end, an order to a terminal, and a turn of the direction of writing.
        String recording = "/nowhere/\\n\\u001b[2J\\u202eINFO all is well";
        ThalwegEngine.open("{\"thalweg.store.dir\": \"" + store + "\", \"thalweg.recording.file\": \"" + recording + "\"}").close();
        List<String> told = lines.stream().filter(line -> line.contains("all is well")).collect(Collectors.toList());
        assertEquals(1, told.size(), lines::toString);
        String line = told.get(0);
        assertTrue(line.chars().noneMatch(letter -> Character.isISOControl(letter) || letter == 0x202e), line);
    }

    private static void hear(Level level) {
        ROOT.setLevel(level);
        NativeLog.refreshThreshold();
    }
}
