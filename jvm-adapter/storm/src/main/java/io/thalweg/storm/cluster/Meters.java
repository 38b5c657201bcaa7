package io.thalweg.storm.cluster;

import com.codahale.metrics.Gauge;
import com.codahale.metrics.Meter;
import com.codahale.metrics.Metric;
import com.codahale.metrics.MetricSet;
import io.thalweg.shell.Gauges;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.DoubleSupplier;
import java.util.regex.Pattern;
import org.apache.storm.metric.StormMetricsRegistry;

/** What this shell shows in Storm's own registry: counters of its own, and gauges of the engine. */
public final class Meters implements Gauges.Registry {
    private static final String PREFIX = "thalweg:";
    /** What Storm makes ids of names with: a number and the time. */
    private static final Pattern ID = Pattern.compile("-\\d+-\\d+$");

    private final StormMetricsRegistry registry;
    private final Map<String, Meter> meters = new ConcurrentHashMap<>();
    /** By the topologies' ids. */
    private final Map<String, MetricSet> topologies = new HashMap<>();

    /** Registers into this registry. */
    public Meters(StormMetricsRegistry registry) {
        this.registry = registry;
    }

    /** A scheduling round. */
    public void round() {
        mark("schedule-calls");
    }

    /** A step down to Storm's own scheduler. */
    public void fallback(String reason) {
        mark("fallbacks-" + reason);
    }

    /** An error that did not stop anything. */
    public void error(String where) {
        mark("errors-" + where);
    }

    /** An answer of the engine that did not fit the cluster. */
    public void dropped(int rows) {
        meter("dropped-rows").mark(rows);
    }

    /** An action, by its result. */
    public void action(String result) {
        mark("actions-" + result.replace('_', '-'));
    }

    @Override
    public void showScheduler(Map<String, DoubleSupplier> gauges) {
        registry.registerAll(set(gauges, ""));
    }

    /** By its name, which ids begin with, or by its id while a namesake is still there. */
    @Override
    public synchronized void showTopology(String topology, Map<String, DoubleSupplier> gauges) {
        String name = ID.matcher(topology).replaceFirst("");
        boolean namesake = topologies.keySet().stream().anyMatch(id -> ID.matcher(id).replaceFirst("").equals(name));
        MetricSet set = set(gauges, ":" + (namesake ? topology : name));
        // First, so that what was registered before an error is removed with the rest.
        topologies.put(topology, set);
        registry.registerAll(set);
    }

    @Override
    public synchronized void hideTopology(String topology) {
        MetricSet set = topologies.remove(topology);
        if (set != null) {
            registry.removeAll(set);
        }
    }

    private static MetricSet set(Map<String, DoubleSupplier> gauges, String of) {
        Map<String, Metric> metrics = new HashMap<>();
        gauges.forEach((name, value) ->
            metrics.put(PREFIX + name.replace('_', '-') + of, (Gauge<Double>) value::getAsDouble));
        return () -> metrics;
    }

    private void mark(String name) {
        meter(name).mark();
    }

    private Meter meter(String name) {
        return meters.computeIfAbsent(name, n -> registry.registerMeter(PREFIX + n));
    }
}
