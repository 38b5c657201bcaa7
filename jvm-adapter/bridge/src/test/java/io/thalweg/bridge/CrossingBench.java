package io.thalweg.bridge;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Locale;

/** Measures what it costs to hand a cluster to the core: encode, cross, decode. */
final class CrossingBench {
    private static final int WARM_UP = 200;
    private static final int RUNS = 200;

    private CrossingBench() {}

    /** Prints medians for three sizes of cluster. */
    public static void main(String[] args) {
        NativeLibrary.load(null);
        System.out.println("executors  nodes      KiB  encode ms  cross + decode ms");
        measure(100, 10);
        measure(1_000, 60);
        measure(36_000, 2_000);
    }

    private static void measure(int executors, int nodes) {
        SnapshotWriter writer = new SnapshotWriter();
        double[] encode = new double[RUNS];
        double[] cross = new double[RUNS];
        for (int run = -WARM_UP; run < RUNS; run++) {
            long start = System.nanoTime();
            Snapshots.cluster(writer, executors, nodes);
            long encoded = System.nanoTime();
            ByteBuffer snapshot = writer.finish();
            long crossing = System.nanoTime();
            if (Native.inspect(snapshot, writer.length()) != executors) {
                throw new AssertionError("executors were lost");
            }
            long end = System.nanoTime();
            if (run >= 0) {
                encode[run] = (encoded - start) / 1e6;
                cross[run] = (end - crossing) / 1e6;
            }
        }
        System.out.printf(Locale.ROOT, "%9d %6d %8.0f %10.3f %18.3f%n",
                executors, nodes, writer.length() / 1024.0, median(encode), median(cross));
    }

    private static double median(double[] values) {
        Arrays.sort(values);
        return values[values.length / 2];
    }
}
