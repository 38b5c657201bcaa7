package io.thalweg.storm;

import io.thalweg.storm.cluster.Reservation;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.apache.storm.Config;
import org.apache.storm.scheduler.Cluster;
import org.apache.storm.scheduler.SchedulerAssignment;
import org.apache.storm.scheduler.SupervisorDetails;
import org.apache.storm.scheduler.Topologies;
import org.apache.storm.scheduler.TopologyDetails;
import org.apache.storm.scheduler.WorkerSlot;
import org.apache.storm.scheduler.resource.normalization.NormalizedResourceOffer;

/**
 * A copy of a cluster in which some topologies do not exist, nor the slots that they use or that are reserved.
 * Schedulers look at a cluster in many ways, so what is not theirs is not there at all instead of being taken out of
 * single answers. Only as used ports do hidden slots show, lest a supervisor full of them counts as idle.
 */
final class NarrowedCluster extends Cluster {
    private final Map<String, Set<Integer>> hidden = new HashMap<>();

    private NarrowedCluster(Cluster source, Hiding hiding, Map<String, Object> conf) {
        super(source.getINimbus(), source.getResourceMetrics(), hiding.supervisors(), hiding.assignments(),
            new Topologies(hiding.topologies()), conf);
        hiding.ports().forEach((node, ports) -> hidden.put(node, Set.copyOf(ports)));
        setNetworkTopography(source.getNetworkTopography());
        setBlacklistedHosts(new HashSet<>(source.getBlacklistedHosts()));
        setGreyListedSupervisors(new HashSet<>(source.getGreyListedSupervisors()));
        setStatusMap(new HashMap<>(source.getStatusMap()));
    }

    /** The cluster without these topologies, and without the reserved slots. */
    static NarrowedCluster without(Cluster source, Set<String> topologies, Reservation reservation) {
        // Racks are copied; to look them up anew may run a script for each node.
        Map<String, Object> conf = new HashMap<>(source.getConf());
        Object plugin = conf.remove(Config.STORM_NETWORK_TOPOGRAPHY_PLUGIN);
        NarrowedCluster narrowed = new NarrowedCluster(source, new Hiding(source, topologies, reservation), conf);
        conf.put(Config.STORM_NETWORK_TOPOGRAPHY_PLUGIN, plugin);
        return narrowed;
    }

    @Override
    public Set<Integer> getUsedPorts(SupervisorDetails supervisor) {
        Set<Integer> used = new HashSet<>(super.getUsedPorts(supervisor));
        used.addAll(hidden.getOrDefault(supervisor.getId(), Set.of()));
        return used;
    }

    /** What is left of a cluster. */
    private record Hiding(Map<String, TopologyDetails> topologies, Map<String, SchedulerAssignment> assignments,
                          Map<String, Set<Integer>> ports, Map<String, SupervisorDetails> supervisors) {
        Hiding(Cluster source, Set<String> without, Reservation reservation) {
            this(new HashMap<>(), new HashMap<>(), new HashMap<>(), new HashMap<>());
            source.getTopologies().forEach(topology -> topologies.put(topology.getId(), topology));
            topologies.keySet().removeAll(without);
            reservation.slots().forEach(this::hide);
            Map<String, NormalizedResourceOffer> left = new HashMap<>();
            source.getAssignments().forEach((id, assignment) -> {
                if (topologies.containsKey(id)) {
                    assignments.put(id, assignment);
                    return;
                }
                assignment.getSlots().forEach(this::hide);
                assignment.getScheduledResources().forEach((slot, used) -> {
                    SupervisorDetails node = source.getSupervisorById(slot.getNodeId());
                    if (node != null) {
                        left.computeIfAbsent(node.getId(), n -> new NormalizedResourceOffer(node.getTotalResources()))
                            .remove(used, source.getResourceMetrics());
                    }
                });
            });
            assignments.values().forEach(assignment -> assignment.getSlots().forEach(this::show));
            source.getSupervisors().forEach((id, node) ->
                supervisors.put(id, ports.containsKey(id) ? narrowed(node, left.get(id)) : node));
        }

        private void hide(WorkerSlot slot) {
            ports.computeIfAbsent(slot.getNodeId(), n -> new HashSet<>()).add(slot.getPort());
        }

        private void show(WorkerSlot slot) {
            ports.computeIfPresent(slot.getNodeId(), (node, some) -> some.remove(slot.getPort()) && some.isEmpty() ? null : some);
        }

        private SupervisorDetails narrowed(SupervisorDetails node, NormalizedResourceOffer left) {
            Set<Integer> rest = new HashSet<>(node.getAllPorts());
            rest.removeAll(ports.get(node.getId()));
            NormalizedResourceOffer resources = left == null ? node.getTotalResources() : left;
            return new SupervisorDetails(node.getId(), node.getHost(), node.getSchedulerMeta(), rest, resources.toNormalizedMap());
        }
    }
}
