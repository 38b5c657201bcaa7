package io.thalweg.storm;

import io.thalweg.storm.cluster.Reservation;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.storm.metric.StormMetricsRegistry;
import org.apache.storm.scheduler.Cluster;
import org.apache.storm.scheduler.DefaultScheduler;
import org.apache.storm.scheduler.ExecutorDetails;
import org.apache.storm.scheduler.IScheduler;
import org.apache.storm.scheduler.SchedulerAssignment;
import org.apache.storm.scheduler.Topologies;
import org.apache.storm.scheduler.TopologyDetails;
import org.apache.storm.scheduler.WorkerSlot;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Storm's own scheduler, for the topologies that are left to it and no others. */
final class StormsOwn {
    private static final Logger LOG = LoggerFactory.getLogger(StormsOwn.class);

    /** Since Storm 3.0 an idle supervisor can be a reason to move what runs completely. */
    private static final String IDLE_REBALANCE = "nimbus.even.rebalance.idle.supervisor.enabled";

    private final IScheduler delegate;

    StormsOwn(IScheduler delegate) {
        this.delegate = delegate;
    }

    /** The scheduler that the configuration names, ready for use; Storm's default one where none can be had. */
    static StormsOwn of(Map<String, Object> conf, String className, StormMetricsRegistry registry) {
        if (className != null) {
            try {
                Object named = Class.forName(className).getDeclaredConstructor().newInstance();
                if (named instanceof IScheduler scheduler && !(named instanceof ThalwegScheduler)) {
                    scheduler.prepare(conf, registry);
                    LOG.info("what Thalweg leaves is scheduled by {}", className);
                    return new StormsOwn(scheduler);
                }
                LOG.error("configuration: thalweg.delegate.scheduler {} is no scheduler to leave anything to", className);
            } catch (Throwable e) {
                LOG.error("configuration: thalweg.delegate.scheduler {} cannot be used, Storm's DefaultScheduler is", className, e);
            }
        }
        return new StormsOwn(new DefaultScheduler());
    }

    /** Whether it keeps machines or pools apart, so that all topologies have to be its. */
    boolean keepsApart(Map<String, Object> conf) {
        return Delegate.keepsApart(delegate, conf);
    }

    /** What is set and does not hold while Thalweg acts. */
    List<String> unheld(Map<String, Object> conf) {
        return Delegate.unheld(delegate, conf);
    }

    /** What the scheduler tells Nimbus of its own configuration. */
    @SuppressWarnings("unchecked")
    Map<String, Map<String, Double>> config() {
        return delegate.config();
    }

    /** Ends it. */
    void cleanup() {
        delegate.cleanup();
    }

    /** Schedules everything, as if Thalweg were not there. */
    void schedule(Topologies topologies, Cluster cluster) {
        delegate.schedule(topologies, cluster);
    }

    /** Schedules all topologies but the given ones, on slots that are neither theirs nor reserved. */
    void schedule(Cluster cluster, Set<String> notIts, Reservation reservation) {
        if (notIts.isEmpty() && reservation.slots().isEmpty()) {
            delegate.schedule(cluster.getTopologies(), cluster);
        } else if (hasWork(cluster, notIts)) {
            NarrowedCluster narrowed = NarrowedCluster.without(cluster, notIts, reservation);
            delegate.schedule(narrowed.getTopologies(), narrowed);
            transfer(narrowed, cluster);
        }
    }

    /** Another scheduler than the default may find work in anything, so only that one is spared a round. */
    private boolean hasWork(Cluster cluster, Set<String> notIts) {
        return !(delegate instanceof DefaultScheduler) || Boolean.TRUE.equals(cluster.getConf().get(IDLE_REBALANCE))
            || cluster.needsSchedulingTopologies().stream().anyMatch(topology -> !notIts.contains(topology.getId()));
    }

    private static void transfer(Cluster from, Cluster to) {
        Map<String, SchedulerAssignment> changed = new LinkedHashMap<>();
        for (TopologyDetails topology : from.getTopologies()) {
            SchedulerAssignment desired = from.getAssignmentById(topology.getId());
            if (!places(desired).equals(places(to.getAssignmentById(topology.getId())))) {
                changed.put(topology.getId(), desired);
            }
            String status = from.getStatusMap().get(topology.getId());
            if (status != null && !status.equals(to.getStatusMap().get(topology.getId()))) {
                to.setStatus(topology.getId(), status);
            }
        }
        // One topology may get what another leaves, so all leave first.
        changed.keySet().forEach(topology -> to.freeSlots(new HashSet<>(places(to.getAssignmentById(topology)).values())));
        changed.forEach((topology, desired) -> assign(to, topology, desired));
    }

    private static void assign(Cluster to, String topology, SchedulerAssignment desired) {
        if (desired == null) {
            return;
        }
        desired.getSlotToExecutors().forEach((slot, executors) -> {
            try {
                if (!executors.isEmpty()) {
                    to.assign(slot, topology, executors);
                }
            } catch (RuntimeException e) {
                LOG.error("{} executors of {} wait for the next round", executors.size(), topology, e);
            }
        });
    }

    private static Map<ExecutorDetails, WorkerSlot> places(SchedulerAssignment assignment) {
        return assignment == null ? Map.of() : assignment.getExecutorToSlot();
    }
}
