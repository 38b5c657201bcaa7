package io.thalweg.flink.measure;

/**
 * One subtask as REST shows it: where it runs, and its cumulative counters.
 *
 * @param node the TaskManager's id; null while it has none
 * @param running whether it has begun its work: before, its times mean nothing
 * @param stateBytes the size of its state at the last checkpoint; -1 where unknown
 */
public record Task(int index, int attempt, String node, boolean running, Totals totals, long stateBytes) {
    /** Cumulative since the subtask began to run; times in milliseconds. */
    public record Totals(double read, double written, double busy, double backPressured, double idle) {
        /** All of the subtask's time. */
        public double time() {
            return busy + backPressured + idle;
        }

        /** The point at this share of the way to later totals. */
        Totals towards(Totals later, double share) {
            return new Totals(between(read, later.read, share), between(written, later.written, share),
                    between(busy, later.busy, share), between(backPressured, later.backPressured, share),
                    between(idle, later.idle, share));
        }

        private static double between(double from, double to, double share) {
            return from + (to - from) * share;
        }
    }
}
