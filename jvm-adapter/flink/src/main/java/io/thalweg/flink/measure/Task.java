package io.thalweg.flink.measure;

/**
 * One subtask as REST shows it: where it runs, and its cumulative counters.
 *
 * @param node the TaskManager's id; null while it has none
 * @param running whether it has begun its work: before, its times mean nothing
 * @param finished whether it has done all there was to do
 */
public record Task(int index, int attempt, String node, boolean running, boolean finished, Totals totals, State state) {
    /** One that has not finished. */
    Task(int index, int attempt, String node, boolean running, Totals totals, State state) {
        this(index, attempt, node, running, false, totals, state);
    }

    /**
     * The state it keeps: -1 for what is unknown.
     *
     * @param bytes its size at the last checkpoint
     * @param lookups how often its backend looked for a block of it, since it began to run
     * @param hits how often it was in the backend's cache
     */
    public record State(long bytes, long lookups, long hits) {
        static final State UNKNOWN = new State(-1, -1, -1);
    }

    /**
     * Cumulative since the subtask began to run; times in milliseconds.
     *
     * @param read records taken in; of a source, those that it brought in
     * @param busy NaN, as the waits, where Flink does not tell what the subtask does with its time
     * @param time all of the subtask's time
     */
    public record Totals(double read, double written, double busy, double backPressured, double idle, double time) {
        /** Where Flink tells what the time is spent with. */
        public Totals(double read, double written, double busy, double backPressured, double idle) {
            this(read, written, busy, backPressured, idle, busy + backPressured + idle);
        }

        /** Where Flink tells only how long the subtask has been running. */
        static Totals untimed(double read, double written, double time) {
            return new Totals(read, written, Double.NaN, Double.NaN, Double.NaN, time);
        }

        /** Whether it is known what the time is spent with. */
        boolean isTimed() {
            return !Double.isNaN(busy);
        }

        /** The point at this share of the way to later totals. */
        Totals towards(Totals later, double share) {
            return new Totals(between(read, later.read, share), between(written, later.written, share),
                    between(busy, later.busy, share), between(backPressured, later.backPressured, share),
                    between(idle, later.idle, share), between(time, later.time, share));
        }

        private static double between(double from, double to, double share) {
            return from + (to - from) * share;
        }
    }
}
