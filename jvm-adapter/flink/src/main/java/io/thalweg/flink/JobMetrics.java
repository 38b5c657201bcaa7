package io.thalweg.flink;

import io.thalweg.shell.Gauges;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.DoubleSupplier;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.runtime.metrics.groups.JobManagerJobMetricGroup;
import org.apache.flink.runtime.metrics.groups.JobManagerMetricGroup;

/**
 * Shows gauges in Flink's own groups: a job's beside its other metrics, where Flink ends them with the job, and the
 * scheduler's beside the JobManager's.
 */
final class JobMetrics implements Gauges.Registry {
    private static final String GROUP = "thalweg";
    private static final String OF_JOB = "topology_";

    /** Of jobs that this JobManager runs. */
    private final Map<String, MetricGroup> groups = new HashMap<>();
    /** Jobs whose groups have gauges. */
    private final Set<String> registered = new HashSet<>();
    private final Map<String, Map<String, DoubleSupplier>> shown = new ConcurrentHashMap<>();
    private final Map<String, DoubleSupplier> scheduler = new HashMap<>();
    /** Of the JobManager that leads: each time that one begins to, Flink makes another. */
    private JobManagerMetricGroup parent;
    private MetricGroup jobManager;

    /** A job begins, perhaps anew. */
    synchronized void join(String job, JobManagerJobMetricGroup metrics) {
        if (parent != metrics.parent()) {
            parent = metrics.parent();
            jobManager = parent.addGroup(GROUP);
            scheduler.forEach((name, value) -> gauge(jobManager, name, value));
        }
        groups.put(job, metrics.addGroup(GROUP));
        registered.remove(job);
        register(job);
    }

    /** A job has ended, and with it its group. */
    synchronized void leave(String job) {
        groups.remove(job);
        registered.remove(job);
    }

    @Override
    public synchronized void showScheduler(Map<String, DoubleSupplier> gauges) {
        scheduler.putAll(gauges);
        if (jobManager != null) {
            gauges.forEach((name, value) -> gauge(jobManager, name, value));
        }
    }

    @Override
    public synchronized void showTopology(String topology, Map<String, DoubleSupplier> gauges) {
        Map<String, DoubleSupplier> own = new HashMap<>();
        gauges.forEach((name, value) ->
                own.put(name.startsWith(OF_JOB) ? name.substring(OF_JOB.length()) : name, value));
        shown.put(topology, own);
        register(topology);
    }

    @Override
    public void hideTopology(String topology) {
        shown.remove(topology);
    }

    /** A group has each gauge once; what is no longer shown is not a number there. */
    private void register(String job) {
        MetricGroup group = groups.get(job);
        Map<String, DoubleSupplier> gauges = shown.get(job);
        if (group != null && gauges != null && registered.add(job)) {
            gauges.keySet().forEach(name -> gauge(group, name, () -> value(job, name)));
        }
    }

    private double value(String job, String name) {
        return shown.getOrDefault(job, Map.of()).getOrDefault(name, () -> Double.NaN).getAsDouble();
    }

    private static void gauge(MetricGroup group, String name, DoubleSupplier value) {
        group.gauge(name, (Gauge<Double>) value::getAsDouble);
    }
}
