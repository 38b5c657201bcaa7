package io.thalweg.topologies;

import java.io.Serializable;
import java.util.Arrays;

/**
 * A fixed amount of computing: the same number of turns of one loop on every node, so that a slower node takes longer.
 *
 * @param iterations turns of the loop
 */
public record Work(long iterations) implements Serializable {
    private static final int SAMPLES = 15;
    private static final long SAMPLE_ITERATIONS = 5_000_000;

    /** Written so that no compiler may drop the loop. */
    private static volatile double sink;

    /** The turns that take this long on an unthrottled core. */
    public static Work ofMillis(double millis, long iterationsPerMilli) {
        return new Work(Math.round(millis * iterationsPerMilli));
    }

    /** Does it. */
    public void burn() {
        double value = 1;
        for (long i = 0; i < iterations; i++) {
            value = value * 1.0000001 + 1e-9;
        }
        sink = value;
    }

    /** Measures the turns that make one millisecond here; the fastest samples count, as others shared their core. */
    public static long calibrate() {
        Work sample = new Work(SAMPLE_ITERATIONS);
        sample.burn();
        long[] nanos = new long[SAMPLES];
        for (int i = 0; i < SAMPLES; i++) {
            long start = System.nanoTime();
            sample.burn();
            nanos[i] = System.nanoTime() - start;
        }
        Arrays.sort(nanos);
        return SAMPLE_ITERATIONS * 1_000_000 / nanos[SAMPLES / 5];
    }
}
