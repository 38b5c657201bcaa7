package io.thalweg.storm.recorded;

import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.storm.Config;
import org.apache.storm.generated.StormTopology;
import org.apache.storm.metric.StormMetricsRegistry;
import org.apache.storm.scheduler.Cluster;
import org.apache.storm.scheduler.ExecutorDetails;
import org.apache.storm.scheduler.SchedulerAssignment;
import org.apache.storm.scheduler.SchedulerAssignmentImpl;
import org.apache.storm.scheduler.SupervisorDetails;
import org.apache.storm.scheduler.Topologies;
import org.apache.storm.scheduler.TopologyDetails;
import org.apache.storm.scheduler.WorkerSlot;
import org.apache.storm.scheduler.resource.TestUtilsForResourceAwareScheduler;
import org.apache.storm.scheduler.resource.normalization.ResourceMetrics;
import org.apache.storm.scheduler.resource.strategies.scheduling.TestLargeCluster;

/** One of the recorded production clusters of Storm's own tests: its supervisors and its topologies. */
final class Recorded {
    private final Map<String, SupervisorDetails> supervisors;
    private final TopologyDetails[] topologies;

    private Recorded(Map<String, SupervisorDetails> supervisors, TopologyDetails[] topologies) {
        this.supervisors = supervisors;
        this.topologies = topologies;
    }

    /** Loads cluster {@code 01}, {@code 02} or {@code 03} as Storm's large-cluster test does. */
    @SuppressWarnings("unchecked")
    static Recorded load(String number) throws Exception {
        Class<?> names = Class.forName(TestLargeCluster.class.getName() + "$TEST_CLUSTER_NAME");
        for (Object name : names.getEnumConstants()) {
            if (name.toString().endsWith(number)) {
                Method create = TestLargeCluster.class.getDeclaredMethod("createSupervisors", names, int.class);
                create.setAccessible(true);
                return new Recorded((Map<String, SupervisorDetails>) create.invoke(null, name, 0),
                    TestLargeCluster.createTopoDetailsArray("clusterconf/largeCluster" + number, false));
            }
        }
        throw new IllegalArgumentException("no recorded cluster " + number);
    }

    Map<String, SupervisorDetails> supervisors() {
        return supervisors;
    }

    TopologyDetails[] topologies() {
        return topologies;
    }

    int executors() {
        int executors = 0;
        for (TopologyDetails topology : topologies) {
            executors += topology.getExecutors().size();
        }
        return executors;
    }

    /** The cluster without any assignment; settings are put over those of the cluster and of each topology. */
    Cluster empty(Map<String, Object> settings, boolean withWorkers) {
        TopologyDetails[] fresh = new TopologyDetails[topologies.length];
        for (int i = 0; i < fresh.length; i++) {
            fresh[i] = copy(topologies[i], settings, withWorkers);
        }
        return cluster(supervisors, fresh, Map.of(), settings);
    }

    private Cluster cluster(Map<String, SupervisorDetails> nodes, TopologyDetails[] all,
        Map<String, SchedulerAssignment> assignments, Map<String, Object> settings) {
        Config conf = new Config();
        conf.putAll(topologies[0].getConf());
        conf.putAll(settings);
        conf.put(Config.STORM_NETWORK_TOPOGRAPHY_PLUGIN,
            TestUtilsForResourceAwareScheduler.GenSupervisorsDnsToSwitchMapping.class.getName());
        return new Cluster(new TestUtilsForResourceAwareScheduler.INimbusTest(), new ResourceMetrics(new StormMetricsRegistry()),
            nodes, assignments, new Topologies(all), conf);
    }

    /** A topology as submitted; the recordings name no workers, which schedulers that count them get one for ten executors. */
    private static TopologyDetails copy(TopologyDetails from, Map<String, Object> settings, boolean withWorkers) {
        Map<String, Object> conf = new HashMap<>(from.getConf());
        conf.putAll(settings);
        int workers = withWorkers ? Math.max(1, from.getExecutors().size() / 10) : from.getNumWorkers();
        StormTopology graph = from.getTopology();
        return new TopologyDetails(from.getId(), conf, graph, workers, new HashMap<>(from.getExecutorToComponent()), 0, "user");
    }

    /** The same cluster after these nodes have died with what ran on them. */
    Cluster without(Cluster cluster, Set<String> dead, Map<String, Object> settings) {
        Map<String, SupervisorDetails> alive = new HashMap<>(cluster.getSupervisors());
        alive.keySet().removeAll(dead);
        Map<String, SchedulerAssignment> kept = new HashMap<>();
        cluster.getAssignments().forEach((id, assignment) -> {
            SchedulerAssignmentImpl copy = new SchedulerAssignmentImpl(assignment);
            List<WorkerSlot> lost = new ArrayList<>();
            for (WorkerSlot slot : assignment.getSlots()) {
                if (dead.contains(slot.getNodeId())) {
                    lost.add(slot);
                }
            }
            lost.forEach(copy::unassignBySlot);
            kept.put(id, copy);
        });
        List<TopologyDetails> all = new ArrayList<>();
        cluster.getTopologies().forEach(all::add);
        return cluster(alive, all.toArray(new TopologyDetails[0]), kept, settings);
    }

    /** Where every executor of the cluster runs, by topology. */
    static Map<String, Map<ExecutorDetails, WorkerSlot>> placement(Cluster cluster) {
        Map<String, Map<ExecutorDetails, WorkerSlot>> placement = new HashMap<>();
        cluster.getAssignments().forEach((id, assignment) -> placement.put(id, new HashMap<>(assignment.getExecutorToSlot())));
        return placement;
    }

    /** A share of the nodes that something runs on, dealt evenly over their names. */
    static Set<String> someNodes(Cluster cluster, double share) {
        List<String> used = cluster.getUsedSlots().stream().map(WorkerSlot::getNodeId).distinct().sorted().toList();
        int count = (int) Math.ceil(share * used.size());
        Set<String> some = new HashSet<>();
        for (int i = 0; i < count; i++) {
            some.add(used.get(i * used.size() / count));
        }
        return some;
    }
}
