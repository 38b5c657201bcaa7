package io.thalweg.storm.cluster;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.apache.storm.scheduler.WorkerSlot;

/**
 * Slots in which workers of one topology are being started that Nimbus knows nothing of yet. They are nobody
 * else's: a supervisor that is told of two topologies in one slot halts.
 *
 * @param hidden whether the core does not see these slots at all, as nothing is to be placed there yet
 */
public record Reservation(String topology, Set<WorkerSlot> slots, boolean hidden) {
    /** Nothing is reserved. */
    public static final Reservation NONE = new Reservation("", Set.of(), false);

    /** The same for a core that is to place the topology there. */
    Reservation revealed() {
        return new Reservation(topology, slots, false);
    }

    /** Whether this topology may be placed into this slot. */
    public boolean allows(String other, WorkerSlot slot) {
        return topology.equals(other) || !slots.contains(slot);
    }

    /** The nodes as the core is to see them. */
    public Map<String, NodeFacts> shown(Map<String, NodeFacts> nodes) {
        if (!hidden || slots.isEmpty()) {
            return nodes;
        }
        Map<String, Set<Integer>> ports = new HashMap<>();
        slots.forEach(slot -> ports.computeIfAbsent(slot.getNodeId(), n -> new HashSet<>()).add(slot.getPort()));
        Map<String, NodeFacts> shown = new HashMap<>(nodes);
        ports.forEach((node, some) -> shown.computeIfPresent(node, (id, facts) -> facts.without(some)));
        return shown;
    }
}
