package io.thalweg.storm;

import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.storm.scheduler.TopologyDetails;

/** The shapes of the known topologies; a shape never changes while its topology lives. */
final class Shapes {
    private final Map<String, TopologyShape> shapes = new ConcurrentHashMap<>();

    TopologyShape of(TopologyDetails topology) {
        return shapes.computeIfAbsent(topology.getId(), id -> TopologyShape.of(topology));
    }

    /** Forgets all other topologies. */
    void keep(Set<String> topologies) {
        shapes.keySet().retainAll(topologies);
    }
}
