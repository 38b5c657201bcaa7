package io.thalweg.storm.cluster;

import java.util.concurrent.ThreadFactory;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Threads of ours in Nimbus. Nimbus ends when an error leaves a thread that has nobody of its own to take it, so
 * each of ours has.
 */
public final class Threads {
    private static final Logger LOG = LoggerFactory.getLogger(Threads.class);

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

    private static void ended(Thread thread, Throwable cause) {
        try {
            LOG.error("thread {} ended", thread.getName(), cause);
        } catch (Throwable e) {
            // Nothing is left that could be done, and nothing may leave.
        }
    }
}
