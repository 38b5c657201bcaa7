package io.thalweg.flink.place;

/**
 * The first start of a job that comes back with the places that it had under another JobManager. Once Flink could start it,
 * it waits for the slots of these places, but not for long: a TaskManager may be gone for good, and no place is worth an
 * outage. To be told of what happens on the job's main thread; safe to be asked from any.
 */
public final class Restoration {
    /** Slots that are there are offered within a fraction of this. */
    public static final long PATIENCE_MILLIS = 5_000;

    private volatile boolean waits;
    private volatile boolean over;
    private long since;

    /**
     * Whether the start has to wait on.
     *
     * @param held whether all slots that are desired are held
     */
    public boolean holdsBack(boolean held, long nowMillis) {
        if (over || held) {
            end();
            return false;
        }
        if (!waits) {
            since = nowMillis;
            waits = true;
        }
        if (nowMillis - since >= PATIENCE_MILLIS) {
            end();
        }
        return !over;
    }

    /** The job starts, wherever. */
    void end() {
        over = true;
        waits = false;
    }

    /** Whether Flink could start the job, and slots are waited for. */
    public boolean waits() {
        return waits;
    }

    /** Whether nothing is waited for any more. */
    public boolean isOver() {
        return over;
    }
}
