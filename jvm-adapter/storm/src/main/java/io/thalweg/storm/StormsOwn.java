package io.thalweg.storm;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.storm.scheduler.Cluster;
import org.apache.storm.scheduler.DefaultScheduler;
import org.apache.storm.scheduler.ExecutorDetails;
import org.apache.storm.scheduler.SchedulerAssignment;
import org.apache.storm.scheduler.TopologyDetails;
import org.apache.storm.scheduler.WorkerSlot;

/** Storm's own scheduler, for the topologies that are left to it and no others. */
final class StormsOwn {
    private StormsOwn() { }

    /** Schedules all topologies but the given ones, on any slots but the reserved ones. */
    static void schedule(Cluster cluster, Set<String> placedByUs, Set<WorkerSlot> reserved) {
        if (placedByUs.isEmpty() && reserved.isEmpty()) {
            DefaultScheduler.defaultSchedule(cluster.getTopologies(), cluster);
            return;
        }
        List<TopologyDetails> needy = cluster.needsSchedulingTopologies();
        needy.removeIf(topology -> placedByUs.contains(topology.getId()));
        if (needy.isEmpty()) {
            return;
        }
        // DefaultScheduler asks the cluster itself what needs it and what is free, so it gets one that answers less.
        Cluster narrowed = new Cluster(cluster) {
            @Override
            public List<TopologyDetails> needsSchedulingTopologies() {
                List<TopologyDetails> rest = super.needsSchedulingTopologies();
                rest.removeIf(topology -> placedByUs.contains(topology.getId()));
                return rest;
            }

            @Override
            public List<WorkerSlot> getAvailableSlots() {
                List<WorkerSlot> rest = new ArrayList<>(super.getAvailableSlots());
                rest.removeAll(reserved);
                return rest;
            }
        };
        DefaultScheduler.defaultSchedule(narrowed.getTopologies(), narrowed);
        needy.forEach(topology -> transfer(narrowed, cluster, topology.getId()));
    }

    private static void transfer(Cluster from, Cluster to, String topology) {
        SchedulerAssignment wished = from.getAssignmentById(topology);
        SchedulerAssignment held = to.getAssignmentById(topology);
        Map<ExecutorDetails, WorkerSlot> before = held == null ? Map.of() : held.getExecutorToSlot();
        if (wished == null || wished.getExecutorToSlot().equals(before)) {
            return;
        }
        to.freeSlots(new HashSet<>(before.values()));
        wished.getSlotToExecutors().forEach((slot, executors) -> {
            if (!executors.isEmpty()) {
                to.assign(slot, topology, executors);
            }
        });
    }
}
