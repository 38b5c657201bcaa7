package io.thalweg.topologies.wordcount;

import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Files of measurements, one per task, written by one thread per worker.
 *
 * <p>The thread writes at its own pace, so what a task did last is on disk one period later even when the worker is
 * killed or no tuple ever comes again.
 */
final class Journal {
    private static final Logger LOG = LoggerFactory.getLogger(Journal.class);
    private static final ScheduledExecutorService CLOCK = Executors.newSingleThreadScheduledExecutor(task -> {
        Thread thread = new Thread(task, "journal");
        thread.setDaemon(true);
        return thread;
    });

    private Journal() {}

    /** Appends {@code <epoch ms> <line>} to {@code <folder>/<kind>-<pid>-<task>.log} in each period that has a line. */
    static void keep(String folder, String kind, int task, long periodMillis, Supplier<Optional<String>> line) {
        Path file = Path.of(folder, kind + "-" + ProcessHandle.current().pid() + "-" + task + ".log");
        CLOCK.scheduleAtFixedRate(() -> line.get().ifPresent(text -> append(file, text)),
                periodMillis, periodMillis, TimeUnit.MILLISECONDS);
    }

    private static void append(Path file, String text) {
        try (BufferedWriter writer = Files.newBufferedWriter(
                file, StandardOpenOption.CREATE, StandardOpenOption.APPEND)) {
            writer.write(System.currentTimeMillis() + " " + text + "\n");
        } catch (IOException e) {
            LOG.warn("cannot write measurements to {}", file, e);
        }
    }
}
