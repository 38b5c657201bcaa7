package io.thalweg.flink.measure;

import io.thalweg.flink.rest.Rest;
import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** How long the garbage collectors of TaskManagers have run. */
final class GcReader {
    private static final String TIME = "Status.JVM.GarbageCollector.All.Time";

    /** Each TaskManager takes a request of its own, so a few are asked at a time, in turn. */
    private static final int AT_ONCE = 8;

    private final Rest rest;
    private final Map<String, Double> known = new HashMap<>();
    private int next;

    GcReader(Rest rest) {
        this.rest = rest;
    }

    /** Asks the next ones. */
    void look(List<String> nodes) throws IOException, InterruptedException {
        known.keySet().retainAll(Set.copyOf(nodes));
        for (int asked = 0; asked < Math.min(AT_ONCE, nodes.size()); asked++) {
            String node = nodes.get(next++ % nodes.size());
            double millis = read(node);
            if (!Double.isNaN(millis)) {
                known.put(node, millis);
            }
        }
    }

    private double read(String node) throws IOException, InterruptedException {
        try {
            return rest.get("/taskmanagers/" + node + "/metrics?get=" + TIME).path(0).path("value").asDouble(Double.NaN);
        } catch (Rest.Refused e) {
            // It left between two requests, or is not yet known to whoever answers.
            return Double.NaN;
        }
    }

    /** Milliseconds since a TaskManager began, as it told last; NaN where unknown. */
    double millis(String node) {
        return known.getOrDefault(node, Double.NaN);
    }
}
