package io.thalweg.storm.recorded;

import io.thalweg.storm.ThalwegScheduler;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.apache.storm.Config;
import org.apache.storm.DaemonConfig;
import org.apache.storm.metric.StormMetricsRegistry;
import org.apache.storm.scheduler.Cluster;
import org.apache.storm.scheduler.DefaultScheduler;
import org.apache.storm.scheduler.EvenScheduler;
import org.apache.storm.scheduler.IScheduler;
import org.apache.storm.scheduler.resource.ResourceAwareScheduler;
import org.apache.storm.scheduler.resource.strategies.scheduling.ConstraintSolverStrategy;
import org.apache.storm.scheduler.resource.strategies.scheduling.DefaultResourceAwareStrategy;
import org.apache.storm.scheduler.resource.strategies.scheduling.GenericResourceAwareStrategy;
import org.apache.storm.scheduler.resource.strategies.scheduling.RoundRobinResourceAwareStrategy;
import org.apache.storm.utils.Utils;

/**
 * A scheduler that takes part.
 *
 * @param name its name in tables and files
 * @param countsWorkers whether it needs a number of workers to be asked for
 * @param strategy the strategy of the ResourceAwareScheduler, if it is that one
 */
record Side(String name, boolean countsWorkers, Class<?> strategy, Supplier<IScheduler> scheduler) {
    /** RAS gives up on a topology after this time; long, so that a busy machine decides nothing. */
    private static final int PATIENCE_SECS = 1200;

    static final String THALWEG = "thalweg";

    static final List<Side> ALL = List.of(
        new Side(THALWEG, false, null, ThalwegScheduler::new),
        new Side("even", true, null, EvenScheduler::new),
        new Side("default", true, null, DefaultScheduler::new),
        ras("ras_default", DefaultResourceAwareStrategy.class),
        ras("ras_generic", GenericResourceAwareStrategy.class),
        ras("ras_constraint", ConstraintSolverStrategy.class),
        ras("ras_round_robin", RoundRobinResourceAwareStrategy.class));

    private static Side ras(String name, Class<?> strategy) {
        return new Side(name, false, strategy, ResourceAwareScheduler::new);
    }

    boolean isRas() {
        return strategy != null;
    }

    /** What is to be set for this side, in the cluster and in every topology. */
    Map<String, Object> settings() {
        Map<String, Object> settings = new HashMap<>();
        settings.put(DaemonConfig.SCHEDULING_TIMEOUT_SECONDS_PER_TOPOLOGY, PATIENCE_SECS);
        settings.put("thalweg.mode", "act");
        if (strategy != null) {
            settings.put(Config.TOPOLOGY_SCHEDULER_STRATEGY, strategy.getName());
        }
        return settings;
    }

    /** Schedules and returns the milliseconds it took; making the scheduler ready does not count. */
    double schedule(Cluster cluster) {
        Map<String, Object> conf = new HashMap<>(Utils.readDefaultConfig());
        conf.putAll(cluster.getConf());
        Path folder = folder();
        conf.put(Config.STORM_LOCAL_DIR, folder.toString());
        IScheduler ready = scheduler.get();
        ready.prepare(conf, new StormMetricsRegistry());
        try {
            System.gc();
            long begun = System.nanoTime();
            ready.schedule(cluster.getTopologies(), cluster);
            return (System.nanoTime() - begun) / 1e6;
        } finally {
            ready.cleanup();
            delete(folder);
        }
    }

    private static Path folder() {
        try {
            return Files.createTempDirectory("thalweg-recorded");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void delete(Path folder) {
        try (Stream<Path> inside = Files.walk(folder)) {
            inside.sorted(Comparator.reverseOrder()).forEach(path -> path.toFile().delete());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
