package io.thalweg.storm;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.storm.DaemonConfig;
import org.apache.storm.scheduler.IScheduler;
import org.apache.storm.scheduler.IsolationScheduler;
import org.apache.storm.scheduler.multitenant.MultitenantScheduler;
import org.apache.storm.scheduler.resource.ResourceAwareScheduler;

/**
 * What Storm's schedulers promise by keys of their own, and whether that still holds where Thalweg stands before them.
 *
 * <p>Three of them keep machines or a guaranteed share of the cluster for some users or topologies. They can do so only if all
 * topologies are theirs, so then all are.
 */
final class Delegate {
    private static final String IDLE_REBALANCE = "nimbus.even.rebalance.idle.supervisor.enabled";

    private Delegate() { }

    /** Whether a scheduler keeps anything apart. */
    static boolean keepsApart(IScheduler scheduler, Map<String, Object> conf) {
        if (scheduler instanceof IsolationScheduler) {
            return isSet(conf.get(DaemonConfig.ISOLATION_SCHEDULER_MACHINES));
        }
        // Both may have their pools from a file or a loader besides, and tell what they read.
        return (scheduler instanceof MultitenantScheduler || scheduler instanceof ResourceAwareScheduler)
            && isSet(scheduler.config());
    }

    /** The same of a scheduler that runs elsewhere, by its name; pools that it has from a file or a loader are not seen. */
    static boolean keepsApartAs(String scheduler, Map<String, Object> conf) {
        return IsolationScheduler.class.getName().equals(scheduler) && isSet(conf.get(DaemonConfig.ISOLATION_SCHEDULER_MACHINES))
            || MultitenantScheduler.class.getName().equals(scheduler) && isSet(conf.get(DaemonConfig.MULTITENANT_SCHEDULER_USER_POOLS))
            || ResourceAwareScheduler.class.getName().equals(scheduler) && isSet(conf.get(DaemonConfig.RESOURCE_AWARE_SCHEDULER_USER_POOLS));
    }

    /** What is set in {@code storm.yaml} and does not hold in mode act, each with what would help. */
    static List<String> unheld(IScheduler scheduler, Map<String, Object> conf) {
        List<String> unheld = new ArrayList<>();
        needs(unheld, conf, DaemonConfig.ISOLATION_SCHEDULER_MACHINES, IsolationScheduler.class, scheduler);
        needs(unheld, conf, DaemonConfig.MULTITENANT_SCHEDULER_USER_POOLS, MultitenantScheduler.class, scheduler);
        needs(unheld, conf, DaemonConfig.RESOURCE_AWARE_SCHEDULER_USER_POOLS, ResourceAwareScheduler.class, scheduler);
        if (keepsApart(scheduler, conf)) {
            unheld.add("thalweg.mode act: " + scheduler.getClass().getName() + " keeps machines or pools apart, so that every "
                + "topology is left to it, and every plan is held with the reason POOLS_KEPT");
        } else if (scheduler instanceof ResourceAwareScheduler) {
            unheld.add("topology.priority and topology.scheduler.strategy: they hold only for what Thalweg leaves, which is "
                + "nothing while it works; no topology is evicted for another");
        }
        if (Boolean.TRUE.equals(conf.get(IDLE_REBALANCE))) {
            unheld.add(IDLE_REBALANCE + ": it holds only for what Thalweg leaves, which is nothing while it works");
        }
        return unheld;
    }

    private static void needs(List<String> unheld, Map<String, Object> conf, String key, Class<?> owner, IScheduler scheduler) {
        if (isSet(conf.get(key)) && !owner.isInstance(scheduler)) {
            unheld.add(key + ": nobody reads it; set thalweg.delegate.scheduler: " + owner.getName());
        }
    }

    private static boolean isSet(Object value) {
        return value instanceof Map<?, ?> map && !map.isEmpty();
    }
}
