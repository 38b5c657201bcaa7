package io.thalweg.shell;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.ArrayDeque;
import java.util.Collections;
import java.util.Deque;
import java.util.concurrent.TimeUnit;

/**
 * Keeps looks at a large cluster from taking much of the process that also runs it: their calls are spread out, so that at
 * most so many are made within any second, and the next look waits until no more than a share of one core went into the last.
 * A look of no more calls than that is neither held up nor followed by a wait; one of few more waits little longer than the
 * usual interval, whatever it cost. For one thread.
 */
public final class Pace {
    /** The most calls within any second. */
    public static final int MOST_CALLS_A_SECOND = 50;

    /** The cheapest of so many looks tells what one costs: the first ones run code that is not compiled yet. */
    private static final int LOOKS = 5;

    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();
    private static final long SECOND_NANOS = TimeUnit.SECONDS.toNanos(1);

    /** Time, and waiting. */
    interface Clock {
        /** As {@link System#nanoTime}. */
        long nanos();

        /** The processor time that this thread has had. */
        long cpuNanos();

        /** Waits, at least roughly that long. */
        void sleep(long nanos) throws InterruptedException;
    }

    private final Clock clock;
    /** When the latest calls were made, the oldest one at {@code next} once there have been that many. */
    private final long[] calls = new long[MOST_CALLS_A_SECOND];
    private int next;
    private boolean full;
    private final double share;
    private final double processPerThread;
    /** Of the latest looks that were not small. */
    private final Deque<Long> costs = new ArrayDeque<>();
    private long begun;
    private long cpuBegun;
    private int callsOfLook;

    /**
     * Paces by the system's clock, so that looks take at most this much of a core.
     *
     * @param processPerThread what a look takes of the whole process for each second of the thread that looks, as measured by
     *     {@code make bench-look}: whoever answers is in the same process, and so are the threads of clients
     */
    public Pace(double mostCpuPercent, double processPerThread) {
        this(mostCpuPercent, processPerThread, new Clock() {
            @Override
            public long nanos() {
                return System.nanoTime();
            }

            @Override
            public long cpuNanos() {
                return THREADS.getCurrentThreadCpuTime();
            }

            @Override
            public void sleep(long nanos) throws InterruptedException {
                // Rounded up: less than a millisecond would be none.
                TimeUnit.MILLISECONDS.sleep(TimeUnit.NANOSECONDS.toMillis(nanos) + 1);
            }
        });
    }

    Pace(double mostCpuPercent, double processPerThread, Clock clock) {
        this.share = mostCpuPercent / 100;
        this.processPerThread = processPerThread;
        this.clock = clock;
    }

    /** Begins a look. */
    public void begin() {
        begun = clock.nanos();
        cpuBegun = clock.cpuNanos();
        callsOfLook = 0;
    }

    /**
     * Ends a look, and tells for how many milliseconds none is to begin; 0 where this one was small.
     *
     * @param intervalMillis the time from one look to the next where nothing speaks against it
     */
    public long end(long intervalMillis) {
        if (callsOfLook <= MOST_CALLS_A_SECOND) {
            // One that failed early is small as well, and tells nothing of what a whole one costs.
            return 0;
        }
        costs.addLast((long) (processPerThread * (clock.cpuNanos() - cpuBegun)));
        if (costs.size() > LOOKS) {
            costs.removeFirst();
        }
        double size = (double) callsOfLook / MOST_CALLS_A_SECOND;
        double most = size * size * TimeUnit.MILLISECONDS.toNanos(intervalMillis);
        long next = begun + (long) Math.min(Collections.min(costs) / share, most);
        return Math.max(0, TimeUnit.NANOSECONDS.toMillis(next - clock.nanos()));
    }

    /** Waits until the next call may be made. */
    public void await() throws InterruptedException {
        callsOfLook++;
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
