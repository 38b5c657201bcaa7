package io.thalweg.shell;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.HashMap;
import java.util.HashSet;
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
    private static final String LEADS = "thalweg_engine_leads";
    private static final String AGE = "engine_status_age_seconds";

    /** The registry of an engine. Names have no prefix; what was not measured is not a number. */
    public interface Registry {
        /** Begins to show the scheduler itself. */
        void showScheduler(Map<String, DoubleSupplier> gauges);

        /** Begins to show a topology. */
        void showTopology(String topology, Map<String, DoubleSupplier> gauges);

        /** Shows a topology no longer. */
        void hideTopology(String topology);
    }

    private final Registry registry;
    private final Set<String> shown = new HashSet<>();
    private volatile Map<String, Double> scheduler = Map.of();
    private volatile Map<String, Map<String, Double>> topologies = Map.of();
    private volatile long takenAt;
    private boolean begun;
    private boolean failed;

    /** Shows them there. */
    public Gauges(Registry registry) {
        this.registry = registry;
    }

    /** Shows what an answer to a look says. A registry that refuses is no reason not to act. */
    public synchronized void take(JsonNode answer) {
        JsonNode gauges = answer.path("gauges");
        if (!gauges.isObject()) {
            return;
        }
        Map<String, Map<String, Double>> now = new HashMap<>();
        gauges.path("topologies").fieldNames().forEachRemaining(id -> now.put(id, values(gauges.path("topologies").path(id))));
        scheduler = values(gauges.path("scheduler"));
        topologies = now;
        takenAt = System.currentTimeMillis();
        try {
            follow(now);
        } catch (RuntimeException | LinkageError e) {
            if (!failed) {
                LOG.warn("the engine's metrics registry does not take all of Thalweg's gauges", e);
                failed = true;
            }
        }
    }

    /** Another process leads: what is known here grows old. */
    public synchronized void follow() {
        shown.forEach(registry::hideTopology);
        shown.clear();
        topologies = Map.of();
        if (begun) {
            scheduler = Map.of(LEADS, 0.0);
        }
    }

    private void follow(Map<String, Map<String, Double>> now) {
        if (!begun) {
            Map<String, DoubleSupplier> own = new TreeMap<>();
            scheduler.keySet().forEach(name -> own.put(bare(name), () -> value(scheduler, name)));
            own.put(AGE, () -> (System.currentTimeMillis() - takenAt) / 1000.0);
            registry.showScheduler(own);
            begun = true;
        }
        shown.removeIf(topology -> {
            boolean gone = !now.containsKey(topology);
            if (gone) {
                registry.hideTopology(topology);
            }
            return gone;
        });
        now.forEach((topology, values) -> {
            if (shown.add(topology)) {
                Map<String, DoubleSupplier> own = new TreeMap<>();
                values.keySet().forEach(name ->
                    own.put(bare(name), () -> value(topologies.getOrDefault(topology, Map.of()), name)));
                registry.showTopology(topology, own);
            }
        });
    }

    private static String bare(String name) {
        return name.startsWith(PREFIX) ? name.substring(PREFIX.length()) : name;
    }

    private static double value(Map<String, Double> values, String name) {
        return values.getOrDefault(name, Double.NaN);
    }

    private static Map<String, Double> values(JsonNode of) {
        Map<String, Double> values = new HashMap<>();
        of.fieldNames().forEachRemaining(name -> values.put(name, of.path(name).asDouble(Double.NaN)));
        return values;
    }
}
