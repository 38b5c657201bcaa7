package io.thalweg.flink;

import java.util.Optional;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Opens what may not be to be had yet, as a store that a predecessor has not let go of: once at the caller's, then again
 * and again on a thread of its own.
 *
 * @param <T> what is opened
 */
final class Opening<T extends AutoCloseable> implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Opening.class);
    private static final long SHORTEST_MILLIS = 1_000;
    private static final long LONGEST_MILLIS = 60_000;

    /** How long to wait before the next try. */
    interface Pause {
        void millis(long millis) throws InterruptedException;
    }

    private final Supplier<T> open;
    private final Predicate<Throwable> passes;
    private final Pause pause;
    private final Thread thread = new Thread(this::again, "thalweg-start");
    private T opened;
    private boolean closed;

    /** @param passes whether a failure may be another one, or none, at the next try */
    Opening(Supplier<T> open, Predicate<Throwable> passes, Pause pause) {
        this.open = open;
        this.passes = passes;
        this.pause = pause;
        thread.setDaemon(true);
    }

    /** Tries once, and if that fails with what may pass, goes on trying. */
    void begin() {
        try {
            keep(open.get());
        } catch (LinkageError | RuntimeException e) {
            if (!passes.test(e)) {
                throw e;
            }
            LOG.warn("Thalweg cannot start yet, and tries again until it can: {}", e.toString());
            thread.start();
        }
    }

    private void again() {
        long wait = SHORTEST_MILLIS;
        try {
            while (true) {
                pause.millis(wait);
                wait = Math.min(2 * wait, LONGEST_MILLIS);
                try {
                    keep(open.get());
                    return;
                } catch (Throwable e) {
                    if (!passes.test(e)) {
                        LOG.error("Thalweg cannot start: Flink's own scheduling goes on alone", e);
                        return;
                    }
                    LOG.warn("Thalweg cannot start yet, next try in {} ms: {}", wait, e.toString());
                }
            }
        } catch (InterruptedException e) {
            LOG.info("Thalweg ended before it could start");
        }
    }

    private synchronized void keep(T found) {
        opened = found;
        if (closed) {
            end();
        }
    }

    /** What was opened; empty before, and after the end. */
    synchronized Optional<T> opened() {
        return Optional.ofNullable(opened);
    }

    @Override
    public synchronized void close() {
        closed = true;
        thread.interrupt();
        end();
    }

    private void end() {
        if (opened != null) {
            try {
                opened.close();
            } catch (Exception e) {
                LOG.warn("not closed", e);
            }
            opened = null;
        }
    }
}
