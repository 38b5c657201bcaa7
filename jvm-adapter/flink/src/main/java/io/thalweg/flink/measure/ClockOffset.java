package io.thalweg.flink.measure;

import java.util.ArrayDeque;
import java.util.Deque;

/**
 * By how much a subtask's own time is ahead of the clock, from the last readings of both.
 *
 * <p>A reading that took long makes it look larger; counters that were fetched before, as of a TaskManager that stood
 * still, make it look smaller, by seconds. So what is far from most readings is no evidence, and of the others the least
 * is nearest to the truth. Only the last readings count: what was once read wrong, or has changed, is soon over.
 */
final class ClockOffset {
    private static final int READINGS = 9;
    /** Readings of one look differ by less. */
    private static final double NEAR_MILLIS = 500;

    private final Deque<Double> last = new ArrayDeque<>();

    /** Takes in a reading, and returns the estimate: never more than this reading, which the clock had reached. */
    double after(double reading) {
        if (last.size() == READINGS) {
            last.removeFirst();
        }
        last.addLast(reading);
        double middle = last.stream().sorted().skip(last.size() / 2).findFirst().orElse(reading);
        double nearest = last.stream().filter(one -> Math.abs(one - middle) <= NEAR_MILLIS).min(Double::compare)
                .orElse(middle);
        return Math.min(nearest, reading);
    }
}
