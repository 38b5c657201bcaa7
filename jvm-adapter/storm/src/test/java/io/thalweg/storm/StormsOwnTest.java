package io.thalweg.storm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.thalweg.storm.cluster.Reservation;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.apache.storm.Config;
import org.apache.storm.DaemonConfig;
import org.apache.storm.metric.StormMetricsRegistry;
import org.apache.storm.scheduler.Cluster;
import org.apache.storm.scheduler.DefaultScheduler;
import org.apache.storm.scheduler.EvenScheduler;
import org.apache.storm.scheduler.ExecutorDetails;
import org.apache.storm.scheduler.IScheduler;
import org.apache.storm.scheduler.IsolationScheduler;
import org.apache.storm.scheduler.SupervisorDetails;
import org.apache.storm.scheduler.Topologies;
import org.apache.storm.scheduler.TopologyDetails;
import org.apache.storm.scheduler.WorkerSlot;
import org.apache.storm.scheduler.multitenant.MultitenantScheduler;
import org.apache.storm.scheduler.resource.ResourceAwareScheduler;
import org.junit.jupiter.api.Test;

class StormsOwnTest {
    private static final Reservation NOTHING = Reservation.NONE;
    private static final Map<String, Double> NODE =
        Map.of(Config.SUPERVISOR_CPU_CAPACITY, 400.0, Config.SUPERVISOR_MEMORY_CAPACITY_MB, 4096.0);

    private final TopologyDetails ours = Synthetic.topology("ours", 4, 1, 4);
    private final TopologyDetails other = Synthetic.topology("other", 4, 2, 6);

    @Test
    void reservedSlotsAreNotGivenAway() {
        Cluster cluster = Synthetic.cluster(2, 2, other);
        new StormsOwn(new DefaultScheduler()).schedule(cluster, Set.of(),
            reserved(at(0, 0), at(0, 1), at(1, 1)));
        assertEquals(Set.of(at(1, 0)), Synthetic.placement(cluster, other).keySet());
    }

    /** Ours is evenly spread to nobody's mind, and has fewer workers than it asks for: Storm would place it anew. */
    @Test
    void oursIsNotTouchedWhateverStormThinksOfIt() {
        Cluster cluster = Synthetic.cluster(2, 4, ours, other);
        Map<WorkerSlot, Set<ExecutorDetails>> before = placeOurs(cluster);
        new StormsOwn(new DefaultScheduler()).schedule(cluster, Set.of(ours.getId()), NOTHING);
        assertEquals(before, Synthetic.placement(cluster, ours));
        assertTrue(cluster.getUnassignedExecutors(other).isEmpty());
        assertEquals(4, Synthetic.placement(cluster, other).size());
    }

    /** Each of Storm's schedulers asks the cluster in its own ways, and must not come by a slot that is not its. */
    @Test
    void noSchedulerOfStormsFindsASlotThatIsNotIts() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int round = 0; round < 60; round++) {
            for (IScheduler scheduler : schedulers()) {
                Cluster cluster = Synthetic.cluster(3, 4, NODE, ours, other);
                if (random.nextBoolean()) {
                    cluster.assign(at(random.nextInt(3), random.nextInt(4)), other.getId(), Synthetic.executors(other).subList(0, 3));
                }
                Map<WorkerSlot, Set<ExecutorDetails>> before = placeOurs(cluster);
                Set<WorkerSlot> reserved = new HashSet<>();
                for (int i = random.nextInt(5); i > 0; i--) {
                    reserved.add(at(random.nextInt(3), random.nextInt(4)));
                }
                reserved.removeAll(cluster.getUsedSlots());
                String seen = "seed " + seed + ", " + scheduler.getClass().getSimpleName() + ", reserved " + reserved;
                new StormsOwn(scheduler).schedule(cluster, Set.of(ours.getId()), new Reservation("acting", reserved, true));
                assertEquals(before, Synthetic.placement(cluster, ours), seen);
                cluster.getUsedSlots().forEach(slot -> assertFalse(reserved.contains(slot), seen));
                assertTrue(cluster.getUnassignedExecutors(other).isEmpty(), seen);
            }
        }
    }

    /** As Storm 3.0 does where supervisors idle: it looks at supervisors' ports, and moves what runs. */
    @Test
    void aSchedulerThatMovesWorkersToIdleNodesMovesOnlyItsOwn() {
        Cluster cluster = Synthetic.cluster(3, 4, ours, other);
        Map<WorkerSlot, Set<ExecutorDetails>> before = placeOurs(cluster);
        cluster.assign(at(0, 2), other.getId(), other.getExecutors());
        new StormsOwn(new ToIdleNodes()).schedule(cluster, Set.of(ours.getId()), reserved(at(2, 0)));
        assertEquals(before, Synthetic.placement(cluster, ours));
        assertEquals(Set.of(at(0, 2)), Synthetic.placement(cluster, other).keySet(), "no node idles: one is reserved in part");

        new StormsOwn(new ToIdleNodes()).schedule(cluster, Set.of(ours.getId()), NOTHING);
        assertEquals(before, Synthetic.placement(cluster, ours));
        assertEquals(Set.of(at(2, 0)), Synthetic.placement(cluster, other).keySet());
    }

    @Test
    void aSchedulerThatFailsInTheMiddleHasChangedNothing() {
        Cluster cluster = Synthetic.cluster(2, 2, ours, other);
        Map<WorkerSlot, Set<ExecutorDetails>> before = placeOurs(cluster);
        IScheduler failing = new Scripted() {
            @Override
            public void schedule(Topologies topologies, Cluster some) {
                some.assign(some.getAvailableSlots().get(0), other.getId(), other.getExecutors());
                throw new IllegalStateException("half done");
            }
        };
        try {
            new StormsOwn(failing).schedule(cluster, Set.of(ours.getId()), NOTHING);
        } catch (IllegalStateException e) {
            assertEquals("half done", e.getMessage());
        }
        assertEquals(before.keySet(), new HashSet<>(cluster.getUsedSlots()));
    }

    @Test
    void whatIsLeftIsScheduledByWhomTheOperatorNames() {
        assertEquals("named", scheduled(Named.class.getName()));
        for (String unusable : new String[] {null, "no.such.Scheduler", "java.lang.String", ThalwegScheduler.class.getName(),
            IsolationScheduler.class.getName()}) {
            assertEquals("default", scheduled(unusable), "as for " + unusable);
        }
    }

    /** By whom a topology is scheduled; the isolation scheduler cannot be used without a list of machines. */
    private String scheduled(String className) {
        Cluster cluster = Synthetic.cluster(2, 4, other);
        StormsOwn.of(Synthetic.CONF, className, new StormMetricsRegistry()).schedule(cluster, Set.of(), NOTHING);
        return Set.of(at(1, 3)).equals(Synthetic.placement(cluster, other).keySet()) ? "named" : "default";
    }

    /** A scheduler of somebody's own. */
    public static final class Named extends Scripted {
        /** As Storm makes it. */
        public Named() { }

        @Override
        public void schedule(Topologies topologies, Cluster cluster) {
            topologies.forEach(topology -> cluster.assign(at(1, 3), topology.getId(), topology.getExecutors()));
        }
    }

    private List<IScheduler> schedulers() {
        Map<String, Object> conf = new HashMap<>(Synthetic.CONF);
        conf.put(DaemonConfig.ISOLATION_SCHEDULER_MACHINES, Map.of("nobody", 1));
        List<IScheduler> all = List.of(new DefaultScheduler(), new EvenScheduler(), new IsolationScheduler(),
            new MultitenantScheduler(), new ResourceAwareScheduler());
        all.forEach(scheduler -> scheduler.prepare(conf, new StormMetricsRegistry()));
        return all;
    }

    /** Places ours on two slots where its user asked for four, one executor here and the others there. */
    private Map<WorkerSlot, Set<ExecutorDetails>> placeOurs(Cluster cluster) {
        List<ExecutorDetails> executors = new ArrayList<>(Synthetic.executors(ours));
        List<WorkerSlot> free = EvenScheduler.sortSlots(new ArrayList<>(cluster.getAvailableSlots()));
        cluster.assign(free.get(0), ours.getId(), executors.subList(0, 1));
        cluster.assign(free.get(1), ours.getId(), executors.subList(1, executors.size()));
        return Synthetic.placement(cluster, ours);
    }

    private static Reservation reserved(WorkerSlot... slots) {
        return new Reservation("acting", Set.of(slots), true);
    }

    private static WorkerSlot at(int node, int port) {
        return new WorkerSlot(String.format("node-%02d", node), 6700 + port);
    }

    private abstract static class Scripted implements IScheduler {
        @Override
        public void prepare(Map<String, Object> conf, StormMetricsRegistry registry) { }

        @Override
        public Map<String, Map<String, Double>> config() {
            return Map.of();
        }
    }

    private static final class ToIdleNodes extends Scripted {
        @Override
        public void schedule(Topologies topologies, Cluster cluster) {
            for (SupervisorDetails node : cluster.getSupervisors().values().stream()
                .sorted((a, b) -> a.getId().compareTo(b.getId())).toList()) {
                if (!node.getAllPorts().isEmpty() && cluster.getUsedPorts(node).isEmpty()) {
                    fill(cluster, node);
                }
            }
        }

        private static void fill(Cluster cluster, SupervisorDetails node) {
            List<Integer> ports = new ArrayList<>(new TreeSet<>(node.getAllPorts()));
            for (WorkerSlot used : new ArrayList<>(cluster.getUsedSlots())) {
                if (ports.isEmpty()) {
                    return;
                }
                String topology = cluster.getAssignments().values().stream().filter(a -> a.getSlots().contains(used))
                    .findAny().orElseThrow().getTopologyId();
                Collection<ExecutorDetails> executors =
                    new ArrayList<>(cluster.getAssignmentById(topology).getSlotToExecutors().get(used));
                cluster.freeSlot(used);
                cluster.assign(new WorkerSlot(node.getId(), ports.remove(0)), topology, executors);
            }
        }
    }
}
