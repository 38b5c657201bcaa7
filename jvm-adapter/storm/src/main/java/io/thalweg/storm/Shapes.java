package io.thalweg.storm;

import io.thalweg.bridge.SnapshotWriter;
import io.thalweg.bridge.SnapshotWriter.Obstacle;
import io.thalweg.bridge.SnapshotWriter.Status;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.storm.generated.StormTopology;
import org.apache.storm.scheduler.TopologyDetails;

/** The shapes of the known topologies. A rebalance may change what a topology declares; Nimbus then has it anew. */
final class Shapes {
    private final Map<String, Known> shapes = new ConcurrentHashMap<>();
    private volatile boolean keptApart;

    /** A shape, and the very objects that it was read from. */
    private record Known(StormTopology graph, Map<String, Object> conf, TopologyShape shape) {
        boolean of(TopologyDetails topology) {
            return graph == topology.getTopology() && conf == topology.getConf();
        }
    }

    TopologyShape of(TopologyDetails topology) {
        return shapes.compute(topology.getId(), (id, known) -> known != null && known.of(topology) ? known
            : new Known(topology.getTopology(), topology.getConf(), TopologyShape.of(topology))).shape;
    }

    /** Says whether the topologies are kept apart by another scheduler, which is written with them. */
    void keptApart(boolean are) {
        keptApart = are;
    }

    /** Begins a topology with its components and edges, as {@link TopologyShape#write} does; executors are to follow. */
    TopologyShape write(SnapshotWriter writer, TopologyDetails topology, Status status, Map<String, Map<String, Long>> emitted) {
        TopologyShape shape = of(topology);
        shape.write(writer, topology, status, emitted);
        if (keptApart) {
            writer.obstacle(Obstacle.KEPT_APART);
        }
        return shape;
    }

    /** Forgets all other topologies. */
    void keep(Set<String> topologies) {
        shapes.keySet().retainAll(topologies);
    }
}
