package io.thalweg.storm.act;

import io.thalweg.shell.Place;
import io.thalweg.shell.StepFailed;
import io.thalweg.shell.TaskRange;
import io.thalweg.shell.StepFailed.Code;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.storm.generated.Assignment;
import org.apache.storm.generated.NodeInfo;
import org.apache.storm.generated.WorkerResources;

/**
 * What each supervisor is told while the old and the new workers of a topology run side by side.
 *
 * <p>A supervisor reads two things from the one assignment it holds: which executors its own slots run (first and
 * last element of a key whose node is itself), and, on behalf of its workers, where every task of the topology is
 * to be reached (elements one and two of every key; where two keys name a task, the one iterated later wins). So a
 * view may hold an old and a new slot with the same tasks, and a third, longer key that only routes: its node is
 * another one, or an alias of this one, so that no slot reads it. Which key is iterated last, {@link KeyTable}
 * sees to; and every view is proven by {@link ViewProof} before it leaves.
 */
final class Views {
    private static final String ALIAS = "route:";

    private final Assignment base;
    private final Slots old;
    private final Slots desired;
    private final Map<Place, WorkerResources> resources;
    private final Map<String, String> hosts;
    private final Map<Place, Set<TaskRange>> fresh;
    private final Map<Place, Set<TaskRange>> ended;

    /**
     * Prepares the views that lead from one placement to another.
     *
     * @param base what Nimbus holds for the topology now
     * @param desired what Nimbus is to hold in the end
     * @param resources what each fresh worker gets, as Nimbus will compute it
     * @param hosts host by node
     */
    Views(Assignment base, Slots desired, Map<Place, WorkerResources> resources, Map<String, String> hosts) {
        this.base = base;
        this.old = Slots.of(base);
        this.desired = desired;
        this.resources = resources;
        this.hosts = hosts;
        this.fresh = desired.without(old);
        this.ended = old.without(desired);
    }

    /** The slots that begin. */
    Map<Place, Set<TaskRange>> fresh() {
        return fresh;
    }

    /** The slots that end. */
    Map<Place, Set<TaskRange>> ended() {
        return ended;
    }

    /** Every node with a worker of the topology, before or after. */
    TreeSet<String> nodes() {
        TreeSet<String> nodes = new TreeSet<>();
        old.executors().keySet().forEach(place -> nodes.add(place.node()));
        desired.executors().keySet().forEach(place -> nodes.add(place.node()));
        return nodes;
    }

    /** The node's view while the new workers start: all slots run, every task is reached at its old place. */
    Assignment prepared(String node) throws StepFailed {
        return view(node, old.places());
    }

    /** The node's view once senders are to use the new workers: all slots run, every task at its new place. */
    Assignment switched(String node) throws StepFailed {
        return view(node, desired.places());
    }

    private Assignment view(String node, Map<TaskRange, Place> routing) throws StepFailed {
        Map<TaskRange, Place> slots = slotsOn(node);
        Map<TaskRange, Place> plain = new TreeMap<>(slots);
        Map<TaskRange, Place> contested = new TreeMap<>();
        routing.forEach((range, place) -> {
            List<TaskRange> rivals = slots.keySet().stream().filter(range::overlaps).toList();
            if (rivals.isEmpty()) {
                plain.put(range, place);
            } else if (!(rivals.size() == 1 && place.equals(slots.get(range)))) {
                contested.put(range, place);
            }
        });

        Map<List<Long>, NodeInfo> keys = new KeyTable(node, plain, slots.keySet()).with(contested);
        Map<String, String> nodeHosts = new HashMap<>();
        for (NodeInfo info : keys.values()) {
            nodeHosts.put(info.get_node(), host(info.get_node()));
        }

        Assignment view = base.deepCopy();
        view.set_executor_node_port(keys);
        view.set_node_host(nodeHosts);
        view.set_executor_start_time_secs(startTimes(plain.keySet()));
        view.set_worker_resources(workerResources());
        new ViewProof(node, slots, routing).check(view);
        return view;
    }

    /** The executors that the node's slots run while both sides are up. */
    private Map<TaskRange, Place> slotsOn(String node) throws StepFailed {
        Map<TaskRange, Place> slots = new TreeMap<>();
        List<Map<Place, Set<TaskRange>>> sides = List.of(old.executors(), fresh);
        for (Map<Place, Set<TaskRange>> side : sides) {
            for (Map.Entry<Place, Set<TaskRange>> slot : side.entrySet()) {
                if (!slot.getKey().node().equals(node)) {
                    continue;
                }
                for (TaskRange range : slot.getValue()) {
                    Place other = slots.put(range, slot.getKey());
                    if (other != null) {
                        throw new StepFailed(Code.VIEW_NOT_EXPRESSIBLE,
                            "executor " + range + " would run twice on node " + node + ": " + other + " and " + slot.getKey());
                    }
                }
            }
        }
        return slots;
    }

    private String host(String node) throws StepFailed {
        boolean aliased = node.startsWith(ALIAS);
        String real = aliased ? node.substring(ALIAS.length()) : node;
        String host = hosts.getOrDefault(real, base.get_node_host().get(real));
        if (host == null) {
            throw new StepFailed(Code.PLAN_OUTDATED, "no host known for node " + real);
        }
        return !aliased ? host : HostNames.respelled(host).orElseThrow(
            () -> new StepFailed(Code.VIEW_NOT_EXPRESSIBLE, "host " + host + " has no second spelling"));
    }

    private Map<List<Long>, Long> startTimes(Set<TaskRange> ranges) {
        long now = System.currentTimeMillis() / 1000;
        Map<List<Long>, Long> times = new HashMap<>();
        for (TaskRange range : ranges) {
            times.put(Names.id(range), base.get_executor_start_time_secs().getOrDefault(Names.id(range), now));
        }
        return times;
    }

    private Map<NodeInfo, WorkerResources> workerResources() {
        Map<NodeInfo, WorkerResources> all = new HashMap<>(base.get_worker_resources());
        fresh.keySet().forEach(place -> all.put(Names.info(place), resources.get(place)));
        return all;
    }

    /** A second name for a node, by which its workers reach a slot that the supervisor must not read. */
    static String alias(String node) {
        return ALIAS + node;
    }
}
