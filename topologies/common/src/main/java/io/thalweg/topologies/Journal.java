package io.thalweg.topologies;

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
 * A file of one task's measurements, written by a thread of its own.
 *
 * <p>The thread writes at its own pace, so what a task did last is on disk one period later even when the process is
 * killed or no tuple ever comes again.
 */
public final class Journal implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Journal.class);

    private final ScheduledExecutorService clock = Executors.newSingleThreadScheduledExecutor(task -> {
        Thread thread = new Thread(task, "journal");
        thread.setDaemon(true);
        return thread;
    });
    private final Path file;
    private final Supplier<Optional<String>> line;

    private Journal(Path file, Supplier<Optional<String>> line) {
        this.file = file;
        this.line = line;
    }

    /** Appends {@code <epoch ms> <line>} to {@code <folder>/<kind>-<pid>-<task>.log} in each period that has a line. */
    public static Journal keep(String folder, String kind, String task, long periodMillis,
            Supplier<Optional<String>> line) {
        Path file = Path.of(folder, kind + "-" + ProcessHandle.current().pid() + "-" + task + ".log");
        Journal journal = new Journal(file, line);
        journal.clock.scheduleAtFixedRate(journal::flush, periodMillis, periodMillis, TimeUnit.MILLISECONDS);
        return journal;
    }

    /** Writes what is left and ends. */
    @Override
    public void close() {
        clock.execute(this::flush);
        clock.shutdown();
    }

    /** Writes what there is by now. */
    public synchronized void flush() {
        line.get().ifPresent(this::append);
    }

    private void append(String text) {
        try (BufferedWriter writer = Files.newBufferedWriter(
                file, StandardOpenOption.CREATE, StandardOpenOption.APPEND)) {
            writer.write(System.currentTimeMillis() + " " + text + "\n");
        } catch (IOException e) {
            LOG.warn("cannot write measurements to {}", file, e);
        }
    }
}
