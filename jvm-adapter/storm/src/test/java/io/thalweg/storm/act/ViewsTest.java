package io.thalweg.storm.act;

import io.thalweg.shell.Place;
import io.thalweg.shell.StepFailed;
import io.thalweg.shell.TaskRange;
import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.storm.daemon.StormCommon;
import org.apache.storm.generated.Assignment;
import org.apache.storm.generated.NodeInfo;
import org.apache.storm.generated.WorkerResources;
import org.apache.storm.utils.Utils;
import org.junit.jupiter.api.Test;

class ViewsTest {
    private static final Map<String, String> HOSTS = Map.of("a", "host-a", "b", "host-b", "c", "127.0.0.3");

    @Test
    void sendersAndNewWorkersMayShareTheNodeOfTheOldOnes() throws Exception {
        Map<TaskRange, Place> before = Map.of(range(1, 1), at("a", 1), range(2, 5), at("a", 2), range(6, 9), at("a", 3));
        Map<TaskRange, Place> after = Map.of(range(1, 1), at("a", 1), range(2, 3), at("a", 4), range(4, 5), at("a", 4),
            range(6, 7), at("b", 1), range(8, 9), at("b", 1));
        Views views = views(before, after);

        assertEquals(Set.of("a", "b"), views.nodes());
        Map<Integer, NodeInfo> prepared = routes(views.prepared("a"));
        assertEquals(2, Names.place(prepared.get(3)).port());
        Map<Integer, NodeInfo> switched = routes(views.switched("a"));
        assertEquals(new Place(Views.alias("a"), 4), Names.place(switched.get(2)));
        assertEquals(at("b", 1), Names.place(switched.get(7)));
        assertEquals("HOST-A", views.switched("a").get_node_host().get(Views.alias("a")));
    }

    @Test
    void anExecutorThatMovesKeepsItsOldSlotOnItsOldNode() throws Exception {
        Views views = views(Map.of(range(1, 1), at("a", 1), range(2, 3), at("a", 2)), Map.of(range(1, 1), at("a", 1), range(2, 3), at("b", 1)));
        Assignment view = views.switched("a");
        assertEquals(at("a", 2), Names.place(view.get_executor_node_port().get(List.of(2L, 3L))));
        assertEquals(at("b", 1), Names.place(routes(view).get(2)));
        assertEquals(Set.of(at("b", 1)), views.fresh().keySet());
        assertEquals(Set.of(at("a", 2)), views.ended().keySet());
    }

    @Test
    void anExecutorCannotRunTwiceOnOneNode() throws Exception {
        Views views = views(Map.of(range(1, 2), at("a", 1)), Map.of(range(1, 2), at("a", 2)));
        StepFailed refused = assertThrows(StepFailed.class, () -> views.prepared("a"));
        assertEquals(StepFailed.Code.VIEW_NOT_EXPRESSIBLE, refused.code());
    }

    @Test
    void aNewWorkerHasTheResourcesItWillHaveAfterwards() throws Exception {
        Views views = views(Map.of(range(1, 1), at("a", 1)), Map.of(range(1, 1), at("b", 7)));
        assertEquals(2.0, views.prepared("b").get_worker_resources().get(Names.info(at("b", 7))).get_mem_on_heap());
    }

    /** {@link Views} itself refuses a view that Storm would read otherwise, so none may be refused here. */
    @Test
    void everyChangeOfCountsBetweenNodesCanBeExpressed() {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int round = 0; round < 100; round++) {
            int tasks = 1 + random.nextInt(64);
            Map<TaskRange, Place> before = new TreeMap<>(spread(random, 10, tasks, 1 + random.nextInt(tasks), 1));
            Map<TaskRange, Place> after = new TreeMap<>(spread(random, 10, tasks, 1 + random.nextInt(tasks), 100));
            before.keySet().removeAll(after.keySet());
            after.keySet().removeIf(range -> before.keySet().stream().noneMatch(range::overlaps));
            if (tasksOf(before).equals(tasksOf(after)) && !before.isEmpty()) {
                before.put(range(1, 1), at("a", 99));
                after.put(range(1, 1), at("a", 99));
                assertDoesNotThrow(() -> {
                    Views views = views(before, after);
                    for (String node : views.nodes()) {
                        views.prepared(node);
                        views.switched(node);
                    }
                }, () -> "seed " + seed + ", from " + before + " to " + after);
            }
        }
    }

    @Test
    void proofRefusesAKeyThatASlotWouldRead() {
        Assignment view = assignment(Map.of(range(1, 2), at("a", 1)));
        view.get_executor_node_port().put(List.of(1L, 2L, 3L), Names.info(at("a", 2)));
        ViewProof proof = new ViewProof("a", Map.of(range(1, 2), at("a", 1)), Map.of(range(1, 2), at("a", 1)));
        assertThrows(StepFailed.class, () -> proof.check(view));
    }

    @Test
    void proofRefusesARouteThatLoses() {
        Assignment view = assignment(Map.of(range(1, 2), at("a", 1)));
        ViewProof proof = new ViewProof("a", Map.of(range(1, 2), at("a", 1)), Map.of(range(1, 2), at("b", 1)));
        assertThrows(StepFailed.class, () -> proof.check(view));
    }

    @Test
    void bucketsFollowTheMapThatThriftMakes() {
        Random random = new Random(7);
        for (int entries = 17; entries < 200; entries++) {
            Map<List<Long>, Integer> map = new HashMap<>(2 * entries);
            for (int i = 0; i < entries; i++) {
                map.put(List.of((long) random.nextInt(500), (long) random.nextInt(500), (long) i), i);
            }
            int last = -1;
            for (List<Long> key : map.keySet()) {
                int bucket = HashOrder.bucket(key, HashOrder.capacity(entries));
                assertFalse(bucket < last, () -> "iteration goes back at " + key);
                last = bucket;
            }
        }
    }

    @Test
    void everyKindOfHostHasASecondSpelling() {
        assertEquals("NODE-1.EXAMPLE", HostNames.respelled("node-1.example").orElseThrow());
        assertEquals("node1", HostNames.respelled("NODE1").orElseThrow());
        assertEquals("::ffff:10.0.0.7", HostNames.respelled("10.0.0.7").orElseThrow());
        assertEquals("0:0:0:0:0:0:0:1", HostNames.respelled("::1").orElseThrow());
    }

    private static Map<TaskRange, Place> spread(Random random, int first, int tasks, int executors, int firstPort) {
        Map<TaskRange, Place> placement = new TreeMap<>();
        int begin = first;
        for (int i = 0; i < executors; i++) {
            int size = tasks / executors + (i < tasks % executors ? 1 : 0);
            placement.put(range(begin, begin + size - 1), at(List.of("a", "b", "c").get(random.nextInt(3)), firstPort + random.nextInt(3)));
            begin += size;
        }
        return placement;
    }

    private static Set<Integer> tasksOf(Map<TaskRange, Place> placement) {
        Set<Integer> tasks = new TreeSet<>();
        placement.keySet().forEach(r -> {
            for (int task = r.first(); task <= r.last(); task++) {
                tasks.add(task);
            }
        });
        return tasks;
    }

    private static Map<Integer, NodeInfo> routes(Assignment view) {
        Assignment read = Utils.thriftDeserialize(Assignment.class, Utils.thriftSerialize(view));
        return StormCommon.taskToNodeport(read.get_executor_node_port());
    }

    private static Views views(Map<TaskRange, Place> before, Map<TaskRange, Place> after) {
        Map<Place, WorkerResources> resources = new HashMap<>();
        after.values().forEach(place -> resources.put(place, resources(2.0)));
        return new Views(assignment(before), Slots.of(after), resources, HOSTS);
    }

    private static Assignment assignment(Map<TaskRange, Place> placement) {
        Assignment assignment = new Assignment("code");
        Map<List<Long>, NodeInfo> keys = new HashMap<>();
        Map<NodeInfo, WorkerResources> resources = new HashMap<>();
        Map<String, String> hosts = new HashMap<>();
        placement.forEach((range, place) -> {
            keys.put(new ArrayList<>(Names.id(range)), Names.info(place));
            resources.put(Names.info(place), resources(1.0));
            hosts.put(place.node(), HOSTS.get(place.node()));
        });
        assignment.set_executor_node_port(keys);
        assignment.set_worker_resources(resources);
        assignment.set_node_host(hosts);
        assignment.set_executor_start_time_secs(new HashMap<>());
        return assignment;
    }

    private static WorkerResources resources(double heap) {
        WorkerResources resources = new WorkerResources();
        resources.set_mem_on_heap(heap);
        return resources;
    }

    private static TaskRange range(int first, int last) {
        return new TaskRange(first, last);
    }

    private static Place at(String node, int port) {
        return new Place(node, port);
    }
}
