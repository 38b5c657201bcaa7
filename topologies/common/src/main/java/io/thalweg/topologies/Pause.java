package io.thalweg.topologies;

import java.io.Serializable;
import java.util.concurrent.locks.LockSupport;

/**
 * A fixed time of waiting for each record, as for a service outside: it keeps an executor busy and leaves the processor
 * to others. Exact in the mean, as what one wait took too long is taken off the next.
 */
public final class Pause implements Serializable {
    private static final long serialVersionUID = 1;
    /** Shorter waits are put together, as a thread cannot sleep for much less. */
    private static final long LEAST_NANOS = 1_000_000;

    private final long nanos;
    private transient long owed;

    private Pause(long nanos) {
        this.nanos = nanos;
    }

    /** A wait of so many milliseconds. */
    public static Pause ofMillis(double millis) {
        return new Pause(Math.round(millis * 1e6));
    }

    /** Waits for one record. */
    public void take() {
        owed += nanos;
        if (owed >= LEAST_NANOS) {
            long begun = System.nanoTime();
            LockSupport.parkNanos(owed);
            owed -= System.nanoTime() - begun;
        }
    }
}
