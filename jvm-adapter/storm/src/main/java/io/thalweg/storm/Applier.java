package io.thalweg.storm;

import io.thalweg.storm.cluster.NodeFacts;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.apache.storm.scheduler.Cluster;
import org.apache.storm.scheduler.EvenScheduler;
import org.apache.storm.scheduler.ExecutorDetails;
import org.apache.storm.scheduler.SchedulerAssignment;
import org.apache.storm.scheduler.TopologyDetails;
import org.apache.storm.scheduler.WorkerSlot;

/**
 * Makes a wished placement true in Storm's cluster, which itself checks next to nothing: wishes for slots that are
 * not there, not allowed or not free are dropped, and a worker whose executors stay the same is not touched.
 */
final class Applier {
    private static final Comparator<WorkerSlot> SLOT_ORDER =
        Comparator.comparing(WorkerSlot::getNodeId).thenComparingInt(WorkerSlot::getPort);

    private final Cluster cluster;
    private final Map<String, NodeFacts> nodes;
    private final Set<WorkerSlot> reserved;

    /**
     * Prepares for one round.
     *
     * @param reserved slots that may be wished for, but are not to be chosen here
     */
    Applier(Cluster cluster, Map<String, NodeFacts> nodes, Set<WorkerSlot> reserved) {
        this.reserved = reserved;
        this.cluster = cluster;
        this.nodes = nodes;
    }

    /** Places a topology and returns how many wishes were dropped; their executors are placed as well as can be. */
    int apply(TopologyDetails topology, Map<ExecutorDetails, WorkerSlot> wish) {
        SchedulerAssignment held = cluster.getAssignmentById(topology.getId());
        if (held != null && held.getExecutorToSlot().equals(wish)) {
            return 0;
        }
        Map<WorkerSlot, Set<ExecutorDetails>> have = running(held);
        Map<WorkerSlot, Set<ExecutorDetails>> want = new TreeMap<>(SLOT_ORDER);
        List<ExecutorDetails> open = new ArrayList<>();
        int dropped = 0;
        for (Map.Entry<ExecutorDetails, WorkerSlot> entry : wish.entrySet()) {
            WorkerSlot slot = entry.getValue();
            if (slot != null && (have.containsKey(slot) || usable(slot) && !cluster.isSlotOccupied(slot))) {
                want.computeIfAbsent(slot, s -> new HashSet<>()).add(entry.getKey());
            } else {
                open.add(entry.getKey());
                dropped += slot == null ? 0 : 1;
            }
        }
        settle(open, want, have);
        replace(topology.getId(), have, want);
        return dropped;
    }

    /** Finds a slot for executors without one: a free slot, else the topology's smallest worker. */
    private void settle(List<ExecutorDetails> open, Map<WorkerSlot, Set<ExecutorDetails>> want,
        Map<WorkerSlot, Set<ExecutorDetails>> have) {
        if (open.isEmpty()) {
            return;
        }
        List<WorkerSlot> candidates = new ArrayList<>(cluster.getAvailableSlots());
        have.keySet().stream().filter(this::usable).forEach(candidates::add);
        candidates.removeIf(slot -> want.containsKey(slot) || reserved.contains(slot) || !usable(slot));
        List<WorkerSlot> sorted = candidates.isEmpty() ? null : EvenScheduler.sortSlots(candidates);
        if (sorted != null && !sorted.isEmpty()) {
            want.put(sorted.get(0), new HashSet<>(open));
        } else if (!want.isEmpty()) {
            want.values().stream().min(Comparator.comparingInt(Set::size)).ifPresent(smallest -> smallest.addAll(open));
        }
    }

    private void replace(String topology, Map<WorkerSlot, Set<ExecutorDetails>> have, Map<WorkerSlot, Set<ExecutorDetails>> want) {
        have.forEach((slot, executors) -> {
            if (!executors.equals(want.get(slot))) {
                cluster.freeSlot(slot);
            }
        });
        want.forEach((slot, executors) -> {
            if (!executors.equals(have.get(slot))) {
                cluster.assign(slot, topology, executors);
            }
        });
    }

    private boolean usable(WorkerSlot slot) {
        NodeFacts node = nodes.get(slot.getNodeId());
        return node != null && !node.blacklisted() && Collections.binarySearch(node.ports(), slot.getPort()) >= 0;
    }

    private static Map<WorkerSlot, Set<ExecutorDetails>> running(SchedulerAssignment assignment) {
        Map<WorkerSlot, Set<ExecutorDetails>> running = new HashMap<>();
        if (assignment != null) {
            for (Map.Entry<WorkerSlot, Collection<ExecutorDetails>> slot : assignment.getSlotToExecutors().entrySet()) {
                running.put(slot.getKey(), new HashSet<>(slot.getValue()));
            }
        }
        return running;
    }
}
