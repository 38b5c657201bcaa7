package io.thalweg.shell;

import java.util.concurrent.ThreadFactory;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Our threads in the engine's process. Nimbus and the JobManager end when an error leaves a thread without an uncaught
 * exception handler, so each of ours has one.
 */
public final class Threads {
    private static final Logger LOG = LoggerFactory.getLogger(Threads.class);
    private static final long LONGEST_END_MILLIS = 5_000;

    private Threads() { }

    /** Makes threads of this name. */
    public static ThreadFactory named(String name) {
        return task -> of(name, task);
    }

    /** A thread of this name that keeps nobody from ending. */
    public static Thread of(String name, Runnable task) {
        Thread thread = new Thread(task, name);
        thread.setDaemon(true);
        thread.setUncaughtExceptionHandler(Threads::ended);
        return thread;
    }

    /** Interrupts a thread and waits a moment for its end. */
    public static void stop(Thread thread) {
        thread.interrupt();
        try {
            thread.join(LONGEST_END_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private static void ended(Thread thread, Throwable cause) {
        try {
            LOG.error("thread {} ended", thread.getName(), cause);
        } catch (Throwable e) {
            // Nothing is left that could be done, and nothing may leave.
        }
    }
}
