package io.thalweg.shell;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.DoubleSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What the engine's own metrics registry shows of Thalweg: what the last look came to. */
public final class Gauges {
    private static final Logger LOG = LoggerFactory.getLogger(Gauges.class);
    private static final String PREFIX = "thalweg_";
    private static final String LEADS = "engine_leads";
    private static final String AGE = "engine_status_age_seconds";

    /** The registry of an engine. Names have no prefix; what was not measured is not a number. */
    public interface Registry {
        /** Begins to show gauges of the scheduler itself; more may follow. */
        void showScheduler(Map<String, DoubleSupplier> gauges);

        /** Begins to show a topology. */
        void showTopology(String topology, Map<String, DoubleSupplier> gauges);

        /** Shows a topology no longer. */
        void hideTopology(String topology);
    }

    private final Registry registry;
    /** Of the scheduler and of topologies, what the registry has. */
    private final Set<String> shownOwn = new HashSet<>();
    private final Set<String> shown = new HashSet<>();
    private volatile Map<String, Double> scheduler = Map.of(LEADS, 0.0);
    /** Values of topologies, in the order of the names. */
    private volatile Map<String, double[]> topologies = Map.of();
    private volatile Long takenAt;
    private boolean failed;

    /** Shows them there, at first that this process does not lead. */
    public Gauges(Registry registry) {
        this.registry = registry;
        guarded(() -> showScheduler(Set.of(LEADS, AGE)));
    }

    /** Shows what an answer to a look says. */
    public synchronized void take(JsonNode answer) {
        JsonNode gauges = answer.path("gauges");
        if (!gauges.isObject()) {
            return;
        }
        Map<String, Double> own = new HashMap<>();
        gauges.path("scheduler").fieldNames()
            .forEachRemaining(name -> own.put(bare(name), number(gauges.path("scheduler").path(name))));
        List<String> names = new ArrayList<>();
        gauges.path("names").forEach(name -> names.add(bare(name.asText())));
        Map<String, double[]> now = new HashMap<>();
        gauges.path("topologies").fieldNames()
            .forEachRemaining(id -> now.put(id, numbers(gauges.path("topologies").path(id), names.size())));
        scheduler = own;
        topologies = now;
        takenAt = System.nanoTime();
        guarded(() -> {
            showScheduler(own.keySet());
            showTopologies(now.keySet(), names);
        });
    }

    /** Another process leads: what is known here grows old. */
    public synchronized void follow() {
        topologies = Map.of();
        scheduler = Map.of(LEADS, 0.0);
        guarded(() -> showTopologies(Set.of(), List.of()));
    }

    /** A registry that refuses, or a reporter that listens to it and fails, is no reason not to act. */
    private void guarded(Runnable work) {
        try {
            work.run();
        } catch (RuntimeException | LinkageError e) {
            if (!failed) {
                LOG.warn("the engine's metrics registry does not take all of Thalweg's gauges", e);
                failed = true;
            }
        }
    }

    private void showScheduler(Set<String> names) {
        Map<String, DoubleSupplier> gauges = new TreeMap<>();
        for (String name : names) {
            if (shownOwn.add(name)) {
                gauges.put(name, AGE.equals(name) ? this::age : () -> scheduler.getOrDefault(name, Double.NaN));
            }
        }
        if (!gauges.isEmpty()) {
            registry.showScheduler(gauges);
        }
    }

    private void showTopologies(Set<String> now, List<String> names) {
        for (String gone : List.copyOf(shown)) {
            if (!now.contains(gone)) {
                shown.remove(gone);
                registry.hideTopology(gone);
            }
        }
        for (String topology : now) {
            if (shown.add(topology)) {
                Map<String, DoubleSupplier> gauges = new TreeMap<>();
                for (int i = 0; i < names.size(); i++) {
                    int place = i;
                    gauges.put(names.get(i), () -> value(topology, place));
                }
                registry.showTopology(topology, gauges);
            }
        }
    }

    private double age() {
        Long taken = takenAt;
        return taken == null ? Double.NaN : (System.nanoTime() - taken) / 1e9;
    }

    private double value(String topology, int place) {
        double[] values = topologies.get(topology);
        return values == null ? Double.NaN : values[place];
    }

    private static String bare(String name) {
        return name.startsWith(PREFIX) ? name.substring(PREFIX.length()) : name;
    }

    private static double number(JsonNode of) {
        return of.asDouble(Double.NaN);
    }

    private static double[] numbers(JsonNode of, int count) {
        double[] values = new double[count];
        for (int i = 0; i < count; i++) {
            values[i] = number(of.path(i));
        }
        return values;
    }
}
