package io.thalweg.storm;

import io.thalweg.storm.cluster.NodeFacts;
import io.thalweg.storm.cluster.Reservation;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
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
 * Makes desired placements true in Storm's cluster, which itself checks next to nothing: places in slots that are
 * not there, not allowed or not free are dropped, and a worker whose executors stay the same is not touched.
 */
final class Applier {
    private static final Comparator<WorkerSlot> SLOT_ORDER =
        Comparator.comparing(WorkerSlot::getNodeId).thenComparingInt(WorkerSlot::getPort);

    private final Cluster cluster;
    private final Map<String, NodeFacts> nodes;
    private final Reservation reservation;

    /** What came of one topology's placement: whether anything changed, how many places were dropped, or what failed. */
    record Outcome(boolean changed, int dropped, RuntimeException failure) { }

    /** One topology on its way from where it runs to where it is desired. */
    private static final class Change {
        private final TopologyDetails topology;
        private final Map<WorkerSlot, Set<ExecutorDetails>> have;
        private final Map<WorkerSlot, Set<ExecutorDetails>> want = new TreeMap<>(SLOT_ORDER);
        private final List<ExecutorDetails> open = new ArrayList<>();
        private int dropped;
        private RuntimeException failure;

        Change(TopologyDetails topology, SchedulerAssignment held, Map<ExecutorDetails, WorkerSlot> desired) {
            this.topology = topology;
            this.have = running(held);
            desired.forEach((executor, slot) -> {
                if (slot == null) {
                    open.add(executor);
                } else {
                    want.computeIfAbsent(slot, s -> new HashSet<>()).add(executor);
                }
            });
        }
    }

    @FunctionalInterface
    private interface Step {
        void take(Change change);
    }

    /**
     * Prepares for one round.
     *
     * @param reservation slots that only one topology may be placed into, and that are not chosen here for any
     */
    Applier(Cluster cluster, Map<String, NodeFacts> nodes, Reservation reservation) {
        this.reservation = reservation;
        this.cluster = cluster;
        this.nodes = nodes;
    }

    /**
     * Places topologies. One may be placed into what another leaves, and nobody is to choose what is asked for
     * another, so each step is taken for all before the next. Executors of dropped places are placed as well as can be.
     */
    Map<TopologyDetails, Outcome> apply(Map<TopologyDetails, Map<ExecutorDetails, WorkerSlot>> placements) {
        Map<TopologyDetails, Outcome> outcomes = new LinkedHashMap<>();
        List<Change> changes = new ArrayList<>();
        placements.forEach((topology, desired) -> {
            SchedulerAssignment held = cluster.getAssignmentById(topology.getId());
            if (held != null && held.getExecutorToSlot().equals(desired)) {
                outcomes.put(topology, new Outcome(false, 0, null));
            } else {
                changes.add(new Change(topology, held, desired));
            }
        });
        for (Step step : List.<Step>of(this::leave, this::enter, this::settle)) {
            changes.forEach(change -> attempt(step, change));
        }
        changes.forEach(change -> outcomes.put(change.topology, new Outcome(true, change.dropped, change.failure)));
        return outcomes;
    }

    private static void attempt(Step step, Change change) {
        try {
            if (change.failure == null) {
                step.take(change);
            }
        } catch (RuntimeException e) {
            change.failure = e;
        }
    }

    /** Frees the slots whose executors change. */
    private void leave(Change change) {
        change.have.forEach((slot, executors) -> {
            if (!executors.equals(change.want.get(slot))) {
                cluster.freeSlot(slot);
            }
        });
    }

    /** Takes the desired slots that can be had. */
    private void enter(Change change) {
        List<WorkerSlot> refused = new ArrayList<>();
        change.want.forEach((slot, executors) -> {
            boolean stays = executors.equals(change.have.get(slot));
            if (!stays && !mayEnter(change, slot)) {
                refused.add(slot);
            } else if (!stays) {
                cluster.assign(slot, change.topology.getId(), executors);
            }
        });
        for (WorkerSlot slot : refused) {
            Set<ExecutorDetails> executors = change.want.remove(slot);
            change.open.addAll(executors);
            change.dropped += executors.size();
        }
    }

    private boolean mayEnter(Change change, WorkerSlot slot) {
        return (usable(slot) || change.have.containsKey(slot)) && !cluster.isSlotOccupied(slot)
            && reservation.allows(change.topology.getId(), slot);
    }

    /**
     * Finds a slot for executors without one: a free slot while the topology uses fewer than its user asked for, or
     * fewer than it had, else its smallest worker. More would be taken from topologies that have none yet.
     */
    private void settle(Change change) {
        if (change.open.isEmpty()) {
            return;
        }
        int most = Math.max(change.topology.getNumWorkers(), change.have.size());
        List<WorkerSlot> free = change.want.isEmpty() || change.want.size() < most ? free() : List.of();
        if (!free.isEmpty()) {
            cluster.assign(free.get(0), change.topology.getId(), change.open);
        } else if (!change.want.isEmpty()) {
            WorkerSlot smallest = Collections.min(change.want.keySet(), Comparator.comparingInt(slot -> change.want.get(slot).size()));
            Set<ExecutorDetails> together = new HashSet<>(change.want.get(smallest));
            together.addAll(change.open);
            cluster.freeSlot(smallest);
            cluster.assign(smallest, change.topology.getId(), together);
        }
    }

    private List<WorkerSlot> free() {
        List<WorkerSlot> free = new ArrayList<>(cluster.getAvailableSlots());
        free.removeIf(slot -> reservation.slots().contains(slot) || !usable(slot));
        return free.isEmpty() ? List.of() : EvenScheduler.sortSlots(free);
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
