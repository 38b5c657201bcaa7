package io.thalweg.storm;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Files;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import org.apache.storm.metric.StormMetricsRegistry;
import org.apache.storm.scheduler.Cluster;
import org.apache.storm.scheduler.DefaultScheduler;
import org.apache.storm.scheduler.TopologyDetails;

/**
 * What a scheduling round costs beyond Storm's own scheduler, for 1,000 executors that are all placed: both sides in
 * turn, on the same cluster. Run it by hand; it fails if the budget is exceeded.
 */
final class ScheduleBenchmark {
    private static final int TOPOLOGIES = 10;
    private static final int EXECUTORS = 100;
    private static final int ROUNDS = 400;
    private static final double BUDGET_MILLIS = 5;
    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

    private ScheduleBenchmark() { }

    /** Prints the medians and the difference. */
    public static void main(String[] args) throws IOException {
        TopologyDetails[] topologies = new TopologyDetails[TOPOLOGIES];
        for (int i = 0; i < TOPOLOGIES; i++) {
            topologies[i] = Synthetic.topology("t" + i, 10, 10, EXECUTORS - 10);
        }
        Cluster cluster = Synthetic.cluster(40, 10, topologies);
        DefaultScheduler own = new DefaultScheduler();
        own.schedule(cluster.getTopologies(), cluster);
        ThalwegScheduler ours = new ThalwegScheduler();
        Map<String, Object> conf = new HashMap<>(Synthetic.CONF);
        conf.put("thalweg.mode", "act");
        conf.put("storm.local.dir", Files.createTempDirectory("thalweg-rounds").toString());
        ours.prepare(conf, new StormMetricsRegistry());

        double[] storm = new double[ROUNDS];
        double[] thalweg = new double[ROUNDS];
        for (int i = 0; i < ROUNDS; i++) {
            storm[i] = millis(() -> own.schedule(cluster.getTopologies(), cluster));
            thalweg[i] = millis(() -> ours.schedule(cluster.getTopologies(), cluster));
        }
        ours.cleanup();
        double extra = median(thalweg) - median(storm);
        System.out.printf("%d executors, %d rounds: Storm %.3f ms, Thalweg %.3f ms, extra %.3f ms (median)%n",
            TOPOLOGIES * EXECUTORS, ROUNDS, median(storm), median(thalweg), extra);
        if (extra >= BUDGET_MILLIS) {
            throw new AssertionError("a round costs " + extra + " ms more, the budget is " + BUDGET_MILLIS + " ms");
        }
    }

    private static double millis(Runnable round) {
        // The thread's own time: what else the machine does is no cost of a round.
        long begun = THREADS.getCurrentThreadCpuTime();
        round.run();
        return (THREADS.getCurrentThreadCpuTime() - begun) / 1e6;
    }

    /** The median of the second half; the first half warms the JVM up. */
    private static double median(double[] values) {
        double[] warm = Arrays.copyOfRange(values, values.length / 2, values.length);
        Arrays.sort(warm);
        return warm[warm.length / 2];
    }
}
