package io.thalweg.storm.recorded;

import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.apache.storm.scheduler.Cluster;
import org.apache.storm.scheduler.ExecutorDetails;
import org.apache.storm.scheduler.TopologyDetails;
import org.apache.storm.scheduler.WorkerSlot;

/** One scheduler on one recorded cluster: from empty, after a topology was submitted anew, after nodes died. */
final class Trial {
    private static final double DEAD_SHARE = 0.05;

    private final Recorded recorded;
    private final Side side;

    Trial(Recorded recorded, Side side) {
        this.recorded = recorded;
        this.side = side;
    }

    /** Runs it once and returns what was measured, by measure. */
    Map<String, Double> run() {
        Map<String, Double> measured = new TreeMap<>();
        Cluster cluster = recorded.empty(side.settings(), side.countsWorkers());
        measured.put("time", side.schedule(cluster));
        Quality quality = Quality.of(cluster);
        measured.put("scheduled", 100 * quality.scheduled());
        measured.put("nodes", (double) quality.nodes());
        measured.put("workers", (double) quality.workers());
        measured.put("worst_load", 100 * quality.worst());
        measured.put("mean_load", 100 * quality.mean());
        measured.put("cross_node", quality.crossEdges());
        measured.put("cross_node_pairs", quality.crossPairs());
        resubmit(cluster, measured);
        fail(cluster, measured);
        return measured;
    }

    /** The topology with the middle number of executors ends and is submitted again. */
    private void resubmit(Cluster cluster, Map<String, Double> measured) {
        String middle = middle(cluster);
        Map<String, Map<ExecutorDetails, WorkerSlot>> before = Recorded.placement(cluster);
        before.remove(middle);
        cluster.unassign(middle);
        measured.put("resubmit_time", side.schedule(cluster));
        measured.put("resubmit_moved", (double) moved(before, cluster));
    }

    private void fail(Cluster cluster, Map<String, Double> measured) {
        Set<String> dead = Recorded.someNodes(cluster, DEAD_SHARE);
        Cluster rest = recorded.without(cluster, dead, side.settings());
        Map<String, Map<ExecutorDetails, WorkerSlot>> before = Recorded.placement(rest);
        int lost = running(Recorded.placement(cluster)) - running(before);
        measured.put("repair_time", side.schedule(rest));
        measured.put("repair_lost", (double) lost);
        measured.put("repair_moved", (double) moved(before, rest));
        measured.put("repair_scheduled", 100 * Quality.of(rest).scheduled());
    }

    private static String middle(Cluster cluster) {
        Map<Integer, String> bySize = new TreeMap<>();
        for (TopologyDetails topology : cluster.getTopologies()) {
            bySize.merge(topology.getExecutors().size(), topology.getId(), (a, b) -> a.compareTo(b) < 0 ? a : b);
        }
        return new java.util.ArrayList<>(bySize.values()).get(bySize.size() / 2);
    }

    private static int running(Map<String, Map<ExecutorDetails, WorkerSlot>> placement) {
        return placement.values().stream().mapToInt(Map::size).sum();
    }

    /** How many executors that ran somewhere run somewhere else, or nowhere, now. */
    private static int moved(Map<String, Map<ExecutorDetails, WorkerSlot>> before, Cluster cluster) {
        int moved = 0;
        Map<String, Map<ExecutorDetails, WorkerSlot>> after = Recorded.placement(cluster);
        for (Map.Entry<String, Map<ExecutorDetails, WorkerSlot>> topology : before.entrySet()) {
            Map<ExecutorDetails, WorkerSlot> now = after.getOrDefault(topology.getKey(), new HashMap<>());
            for (Map.Entry<ExecutorDetails, WorkerSlot> executor : topology.getValue().entrySet()) {
                moved += executor.getValue().equals(now.get(executor.getKey())) ? 0 : 1;
            }
        }
        return moved;
    }
}
