package io.thalweg.shell;

import java.util.concurrent.TimeUnit;

/**
 * Spreads the calls of a look out, so that a large cluster's Nimbus or JobManager answers at most so many within any second
 * and has time for others. A small cluster is looked at without a pause. For one thread.
 */
public final class Pace {
    /** The most calls within any second. */
    public static final int MOST_CALLS_A_SECOND = 50;

    private static final long SECOND_NANOS = TimeUnit.SECONDS.toNanos(1);

    /** Time, and waiting. */
    interface Clock {
        /** As {@link System#nanoTime}. */
        long nanos();

        /** Waits, at least roughly that long. */
        void sleep(long nanos) throws InterruptedException;
    }

    private final Clock clock;
    /** When the latest calls were made, the oldest one at {@code next} once there have been that many. */
    private final long[] calls = new long[MOST_CALLS_A_SECOND];
    private int next;
    private boolean full;

    /** Paces by the system's clock. */
    public Pace() {
        this(new Clock() {
            @Override
            public long nanos() {
                return System.nanoTime();
            }

            @Override
            public void sleep(long nanos) throws InterruptedException {
                // Rounded up: less than a millisecond would be none.
                TimeUnit.MILLISECONDS.sleep(TimeUnit.NANOSECONDS.toMillis(nanos) + 1);
            }
        });
    }

    Pace(Clock clock) {
        this.clock = clock;
    }

    /** Waits until the next call may be made. */
    public void await() throws InterruptedException {
        long now = clock.nanos();
        while (full && now - calls[next] < SECOND_NANOS) {
            clock.sleep(SECOND_NANOS - (now - calls[next]));
            now = clock.nanos();
        }
        calls[next] = now;
        next = (next + 1) % calls.length;
        full |= next == 0;
    }
}
