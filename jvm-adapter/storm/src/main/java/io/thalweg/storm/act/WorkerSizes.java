package io.thalweg.storm.act;

import io.thalweg.shell.Place;
import io.thalweg.shell.Plan;
import io.thalweg.shell.StepFailed;
import io.thalweg.shell.TaskRange;
import io.thalweg.shell.StepFailed.Code;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.storm.generated.WorkerResources;
import org.apache.storm.metric.StormMetricsRegistry;
import org.apache.storm.scheduler.Cluster;
import org.apache.storm.scheduler.ExecutorDetails;
import org.apache.storm.scheduler.SupervisorDetails;
import org.apache.storm.scheduler.Topologies;
import org.apache.storm.scheduler.TopologyDetails;
import org.apache.storm.scheduler.WorkerSlot;
import org.apache.storm.scheduler.resource.normalization.ResourceMetrics;

/**
 * The resources of workers that Nimbus does not know yet, computed by Storm itself on a cluster made up for it: a
 * worker whose resources differ from what Nimbus computes at the commit would be restarted.
 */
final class WorkerSizes {
    private final Map<String, Object> conf;

    WorkerSizes(Map<String, Object> conf) {
        this.conf = conf;
    }

    /** The resources of each of these slots of the topology. */
    Map<Place, WorkerResources> of(TopologyDetails topology, List<Plan.Row> rows, Map<Place, Set<TaskRange>> slots)
        throws StepFailed {
        Map<ExecutorDetails, String> components = new HashMap<>();
        rows.forEach(row -> components.put(executor(row.range()), row.component()));
        TopologyDetails desired = new TopologyDetails(topology.getId(), topology.getConf(), topology.getTopology(),
            topology.getNumWorkers(), components, topology.getTopologySubmitter());
        Cluster cluster = new Cluster(null, new ResourceMetrics(new StormMetricsRegistry()), supervisors(slots.keySet()),
            new HashMap<>(), new Topologies(desired), new HashMap<>(conf));
        slots.forEach((place, ranges) ->
            cluster.assign(new WorkerSlot(place.node(), place.port()), desired.getId(), executors(ranges)));

        Map<Place, WorkerResources> sizes = new TreeMap<>();
        if (!slots.isEmpty()) {
            cluster.getAssignmentById(desired.getId()).getScheduledResources()
                .forEach((slot, resources) -> sizes.put(new Place(slot.getNodeId(), slot.getPort()), resources));
        }
        if (!sizes.keySet().equals(slots.keySet())) {
            throw new StepFailed(Code.PLAN_OUTDATED, "Storm sizes " + sizes.keySet() + " of " + slots.keySet());
        }
        return sizes;
    }

    private static Map<String, SupervisorDetails> supervisors(Collection<Place> places) {
        Map<String, Set<Integer>> ports = new TreeMap<>();
        places.forEach(place -> ports.computeIfAbsent(place.node(), n -> new TreeSet<>()).add(place.port()));
        Map<String, SupervisorDetails> supervisors = new HashMap<>();
        ports.forEach((node, some) -> supervisors.put(node, new SupervisorDetails(node, node, null, some, Map.of())));
        return supervisors;
    }

    private static List<ExecutorDetails> executors(Set<TaskRange> ranges) {
        return ranges.stream().map(WorkerSizes::executor).toList();
    }

    private static ExecutorDetails executor(TaskRange range) {
        return new ExecutorDetails(range.first(), range.last());
    }
}
