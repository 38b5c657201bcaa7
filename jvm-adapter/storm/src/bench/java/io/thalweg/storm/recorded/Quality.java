package io.thalweg.storm.recorded;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.apache.storm.generated.Bolt;
import org.apache.storm.generated.GlobalStreamId;
import org.apache.storm.scheduler.Cluster;
import org.apache.storm.scheduler.SchedulerAssignment;
import org.apache.storm.scheduler.SupervisorDetails;
import org.apache.storm.scheduler.TopologyDetails;
import org.apache.storm.scheduler.WorkerSlot;

/**
 * How good a placement is.
 *
 * @param scheduled share of the executors that have a slot
 * @param nodes nodes with at least one executor
 * @param workers slots in use
 * @param worst load of the worst node: the larger of its shares of CPU and of memory
 * @param mean mean load of the nodes in use
 * @param crossEdges edges that cross nodes: of each edge the part of its executor pairs that are on two nodes, summed
 * @param crossPairs executor pairs on two nodes, over all edges
 */
record Quality(double scheduled, int nodes, int workers, double worst, double mean, double crossEdges, double crossPairs) {
    static Quality of(Cluster cluster) {
        Set<String> nodes = new HashSet<>();
        Traffic traffic = new Traffic();
        int executors = 0;
        int unscheduled = 0;
        for (TopologyDetails topology : cluster.getTopologies()) {
            executors += topology.getExecutors().size();
            unscheduled += cluster.getUnassignedExecutors(topology).size();
            SchedulerAssignment assignment = cluster.getAssignmentById(topology.getId());
            if (assignment != null) {
                assignment.getSlots().forEach(slot -> nodes.add(slot.getNodeId()));
                traffic.add(topology, assignment);
            }
        }
        double worst = 0;
        double sum = 0;
        for (String node : nodes) {
            double load = load(cluster, cluster.getSupervisorById(node));
            worst = Math.max(worst, load);
            sum += load;
        }
        return new Quality(1 - unscheduled / (double) executors, nodes.size(), cluster.getUsedSlots().size(), worst,
            sum / Math.max(1, nodes.size()), traffic.edges, traffic.pairs);
    }

    private static double load(Cluster cluster, SupervisorDetails node) {
        return Math.max(cluster.getScheduledCpuForNode(node.getId()) / node.getTotalCpu(),
            cluster.getScheduledMemoryForNode(node.getId()) / node.getTotalMemory());
    }

    /** What crosses nodes; streams between the same two components are one edge. */
    private static final class Traffic {
        private double edges;
        private double pairs;

        void add(TopologyDetails topology, SchedulerAssignment assignment) {
            Map<String, Map<String, Integer>> perNode = new HashMap<>();
            Map<String, Integer> all = new HashMap<>();
            assignment.getExecutorToSlot().forEach((executor, slot) -> {
                String component = topology.getExecutorToComponent().get(executor);
                perNode.computeIfAbsent(component, c -> new HashMap<>()).merge(node(slot), 1, Integer::sum);
                all.merge(component, 1, Integer::sum);
            });
            for (Map.Entry<String, Bolt> bolt : topology.getTopology().get_bolts().entrySet()) {
                Set<String> senders = new HashSet<>();
                for (GlobalStreamId stream : bolt.getValue().get_common().get_inputs().keySet()) {
                    senders.add(stream.get_componentId());
                }
                senders.retainAll(all.keySet());
                for (String sender : all.containsKey(bolt.getKey()) ? senders : Set.<String>of()) {
                    double total = (double) all.get(sender) * all.get(bolt.getKey());
                    double within = within(perNode.get(sender), perNode.get(bolt.getKey()));
                    pairs += total - within;
                    edges += 1 - within / total;
                }
            }
        }

        private static double within(Map<String, Integer> senders, Map<String, Integer> receivers) {
            double within = 0;
            for (Map.Entry<String, Integer> node : senders.entrySet()) {
                within += (double) node.getValue() * receivers.getOrDefault(node.getKey(), 0);
            }
            return within;
        }

        private static String node(WorkerSlot slot) {
            return slot.getNodeId();
        }
    }
}
