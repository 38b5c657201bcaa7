package io.thalweg.bridge;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

/** Where {@code scripts/native-test.sh} runs these tests with sanitizers: whether those see anything at all. */
@EnabledIfSystemProperty(named = "thalweg.sanitized", matches = "true")
class SanitizersTest {
    private static final int LOST = 3;

    @TempDir
    Path folder;

    @Test
    void whatTheLibraryLosesIsReportedWithItsPlace() throws Exception {
        ProcessBuilder losing = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp", System.getProperty("java.class.path"), Losing.class.getName());
        String options = System.getenv("ASAN_OPTIONS").replaceAll("log_path=[^:]*", "log_path=" + folder.resolve("report"));
        losing.environment().put("ASAN_OPTIONS", options);
        assertEquals(0, losing.inheritIO().start().waitFor());
        String report = reports();
        List<String> lost = Stream.of(report.split("\n\n"))
                .filter(loss -> loss.contains("Direct leak of " + 64 * LOST + " byte(s) in " + LOST + " object(s)"))
                .filter(loss -> loss.contains("thalweg-")).collect(Collectors.toList());
        assertEquals(1, lost.size(), report);
    }

    private String reports() throws IOException {
        StringBuilder all = new StringBuilder();
        try (Stream<Path> files = Files.list(folder)) {
            for (Path file : files.collect(Collectors.toList())) {
                all.append(Files.readString(file));
            }
        }
        assertTrue(all.length() > 0, "nothing is reported");
        return all.toString();
    }

    /** A process that loses some memory. */
    static final class Losing {
        private Losing() {}

        /** Loses it. */
        public static void main(String[] arguments) {
            NativeLibrary.load(null);
            for (int again = 0; again < LOST; again++) {
                Native.selfTest(6);
            }
        }
    }
}
