package io.thalweg.flink.place;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.thalweg.shell.Place;
import java.lang.reflect.Proxy;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.flink.runtime.clusterframework.types.AllocationID;
import org.apache.flink.runtime.clusterframework.types.ResourceID;
import org.apache.flink.runtime.clusterframework.types.ResourceProfile;
import org.apache.flink.runtime.jobgraph.JobVertexID;
import org.apache.flink.runtime.jobmanager.scheduler.SlotSharingGroup;
import org.apache.flink.runtime.jobmaster.SlotInfo;
import org.apache.flink.runtime.jobmaster.slotpool.DeclarativeSlotPool;
import org.apache.flink.runtime.jobmaster.slotpool.PhysicalSlot;
import org.apache.flink.runtime.scheduler.adaptive.JobSchedulingPlan;
import org.apache.flink.runtime.scheduler.adaptive.allocator.JobAllocationsInformation;
import org.apache.flink.runtime.scheduler.adaptive.allocator.JobInformation;
import org.apache.flink.runtime.scheduler.adaptive.allocator.ReservedSlots;
import org.apache.flink.runtime.scheduler.adaptive.allocator.SlotAllocator;
import org.apache.flink.runtime.scheduler.adaptive.allocator.SlotSharingSlotAllocator.ExecutionSlotSharingGroup;
import org.apache.flink.runtime.scheduler.adaptive.allocator.VertexParallelism;
import org.apache.flink.runtime.taskmanager.TaskManagerLocation;
import org.apache.flink.runtime.util.ResourceCounter;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Where a job of two vertices that share slots is placed, and when a job that comes back starts. */
class PlacingSlotAllocatorTest {
    private static final JobVertexID SPLIT = new JobVertexID(0, 1);
    private static final JobVertexID COUNT = new JobVertexID(0, 2);

    private final SlotSharingGroup group = new SlotSharingGroup();
    private final List<PhysicalSlot> slots = new ArrayList<>();
    private final Map<JobVertexID, Integer> parallelism = new TreeMap<>(Map.of(SPLIT, 2, COUNT, 2));
    private final JobInformation job =
            stub(JobInformation.class, Map.of("getSlotSharingGroups", List.of(group), "getVertices", List.of()));
    private PlacingSlotAllocator allocator;

    @BeforeEach
    void start() {
        parallelism.keySet().forEach(group::addVertexToGroup);
        DeclarativeSlotPool pool = stub(DeclarativeSlotPool.class, Map.of("getAllSlotsInformation", slots));
        allocator = new PlacingSlotAllocator(reserve -> new Stock(), pool, "job", new SlotNumbers());
    }

    /** An object that answers these methods so, and no other. */
    private static <T> T stub(Class<T> type, Map<String, ?> answers) {
        return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, (self, method, given) -> {
            if (!answers.containsKey(method.getName())) {
                throw new UnsupportedOperationException(method.getName());
            }
            return answers.get(method.getName());
        }));
    }

    private void slot(String node) {
        slots.add(stub(PhysicalSlot.class, Map.of("getAllocationId", new AllocationID(), "getResourceProfile",
                ResourceProfile.ANY, "getTaskManagerLocation",
                new TaskManagerLocation(new ResourceID(node), InetAddress.getLoopbackAddress(), 1))));
    }

    private static List<Place> on(String node, int count) {
        List<Place> places = new ArrayList<>();
        for (int port = 0; port < count; port++) {
            places.add(new Place(node, port));
        }
        return places;
    }

    private static FormerPlaces former(Map<JobVertexID, List<Place>> places) {
        return new FormerPlaces(new DesiredPlacement(places, Map.of()), List.of());
    }

    /** The vertices that have a subtask in each slot, by node. */
    private Map<String, List<String>> placed() {
        JobSchedulingPlan plan = allocator
                .determineParallelismAndCalculateAssignment(job, slots, JobAllocationsInformation.empty()).orElseThrow();
        Map<String, List<String>> placed = new TreeMap<>();
        plan.getSlotAssignments().forEach(slot -> {
            TreeSet<String> vertices = new TreeSet<>();
            slot.getTargetAs(ExecutionSlotSharingGroup.class).getContainedExecutionVertices().forEach(subtask -> assertTrue(
                    vertices.add(subtask.getJobVertexId().equals(SPLIT) ? "split" : "count"), "two of one vertex share"));
            placed.computeIfAbsent(PlacingSlotAllocator.node(slot.getSlotInfo()), node -> new ArrayList<>())
                    .add(String.join(" ", vertices));
        });
        placed.values().forEach(all -> all.sort(null));
        return placed;
    }

    @Test
    void subtasksAreWhereTheyAreWanted() {
        List.of("n1", "n1", "n2", "n2").forEach(this::slot);
        allocator.desire(new DesiredPlacement(Map.of(SPLIT, on("n2", 2), COUNT, on("n2", 2)), Map.of()));
        assertEquals(Map.of("n2", List.of("count split", "count split")), placed());
        assertNull(allocator.dropped());
    }

    @Test
    void aVertexThatRunsWithOtherParallelismIsLeftToFlinkAndTheOthersStay() {
        List.of("n1", "n1", "n2", "n2").forEach(this::slot);
        allocator.desire(new DesiredPlacement(Map.of(SPLIT, on("n2", 2), COUNT, on("n1", 1)), Map.of()));
        assertEquals(Map.of("n2", List.of("count split", "count split")), placed());
        assertTrue(allocator.dropped().contains("1 subtasks are desired, and 2 run"));
        assertNull(allocator.dropped());
    }

    @Test
    void oneWithMoreSubtasksThanTheOthersTakesWhateverSlotIsLeft() {
        List.of("n1", "n2", "n2").forEach(this::slot);
        parallelism.put(COUNT, 3);
        allocator.desire(new DesiredPlacement(Map.of(SPLIT, on("n2", 2)), Map.of()));
        assertEquals(Map.of("n1", List.of("count"), "n2", List.of("count split", "count split")), placed());
    }

    @Test
    void aJobThatComesBackStartsOnceItHasItsFormerSlots() {
        allocator.restore(former(Map.of(SPLIT, on("n2", 2), COUNT, on("n2", 2))));
        List.of("n1", "n1").forEach(this::slot);
        assertEquals(Optional.empty(), allocator.determineParallelism(job, slots));
        assertTrue(allocator.restoration().waits());
        List.of("n2", "n2").forEach(this::slot);
        assertTrue(allocator.determineParallelism(job, slots).isPresent());
        assertEquals(Map.of("n2", List.of("count split", "count split")), placed());
    }

    @Test
    void oneOfWhichNothingFitsAnyMoreStartsAtOnce() {
        allocator.restore(new FormerPlaces(new DesiredPlacement(Map.of(), Map.of()), List.of("all rows of join: no such vertex")));
        assertNull(allocator.restoration());
        slot("n1");
        assertTrue(allocator.determineParallelism(job, slots).isPresent());
        assertEquals("all rows of join: no such vertex", allocator.dropped());
    }

    /** Flink's own, which has a plan that nobody looks at. */
    private final class Stock implements SlotAllocator {
        @Override
        public ResourceCounter calculateRequiredSlots(Iterable<JobInformation.VertexInformation> vertices) {
            return ResourceCounter.empty();
        }

        @Override
        public Optional<VertexParallelism> determineParallelism(JobInformation of, Collection<? extends SlotInfo> there) {
            return Optional.of(new VertexParallelism(parallelism));
        }

        @Override
        public Optional<JobSchedulingPlan> determineParallelismAndCalculateAssignment(
                JobInformation of, Collection<PhysicalSlot> there, JobAllocationsInformation previous) {
            return Optional.of(new JobSchedulingPlan(new VertexParallelism(parallelism), List.of()));
        }

        @Override
        public Optional<ReservedSlots> tryReserveResources(JobSchedulingPlan plan) {
            return Optional.empty();
        }
    }
}
