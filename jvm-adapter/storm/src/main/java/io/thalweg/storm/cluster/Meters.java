package io.thalweg.storm.cluster;

import com.codahale.metrics.Meter;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.storm.metric.StormMetricsRegistry;

/** The counters this shell shows in Storm's own registry. */
public final class Meters {
    private static final String PREFIX = "thalweg:";

    private final StormMetricsRegistry registry;
    private final Map<String, Meter> meters = new ConcurrentHashMap<>();

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

    private void mark(String name) {
        meter(name).mark();
    }

    private Meter meter(String name) {
        return meters.computeIfAbsent(name, n -> registry.registerMeter(PREFIX + n));
    }
}
