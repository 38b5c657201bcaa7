package io.thalweg.flink.place;

import io.thalweg.flink.place.SlotSizes.Spot;
import io.thalweg.shell.Place;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.apache.flink.runtime.clusterframework.types.AllocationID;
import org.apache.flink.runtime.clusterframework.types.ResourceProfile;
import org.apache.flink.runtime.jobgraph.JobVertexID;
import org.apache.flink.runtime.jobmanager.scheduler.SlotSharingGroup;
import org.apache.flink.runtime.jobmaster.SlotInfo;
import org.apache.flink.runtime.jobmaster.slotpool.DeclarativeSlotPool;
import org.apache.flink.runtime.jobmaster.slotpool.PhysicalSlot;
import org.apache.flink.runtime.scheduler.adaptive.JobSchedulingPlan;
import org.apache.flink.runtime.scheduler.adaptive.JobSchedulingPlan.SlotAssignment;
import org.apache.flink.runtime.scheduler.adaptive.allocator.JobAllocationsInformation;
import org.apache.flink.runtime.scheduler.adaptive.allocator.JobInformation;
import org.apache.flink.runtime.scheduler.adaptive.allocator.ReservedSlots;
import org.apache.flink.runtime.scheduler.adaptive.allocator.SlotAllocator;
import org.apache.flink.runtime.scheduler.adaptive.allocator.SlotSharingSlotAllocator.ExecutionSlotSharingGroup;
import org.apache.flink.runtime.scheduler.adaptive.allocator.VertexParallelism;
import org.apache.flink.runtime.scheduler.strategy.ExecutionVertexID;
import org.apache.flink.runtime.util.ResourceCounter;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Flink's own slot allocator, but which subtasks share a slot, on which TaskManager, and how large it is, is as a
 * {@link DesiredPlacement} says.
 *
 * <p>How many slots are needed and which parallelism they allow stays Flink's to say. A placement that does not fit is
 * dropped row by row; anything that fails leaves Flink's own plan. All methods but {@link #places}, {@link #managedMib}
 * {@link #failure} and {@link #dropped} belong to the job's main thread.
 */
public final class PlacingSlotAllocator implements SlotAllocator {
    private static final Logger LOG = LoggerFactory.getLogger(PlacingSlotAllocator.class);

    private final SlotAllocator stock;
    private final DeclarativeSlotPool pool;
    private final String job;
    private final SlotNumbers numbers;
    private final Staleness staleness = new Staleness();
    private final SlotSizes sizes = new SlotSizes();
    private final Queue<String> failures = new ConcurrentLinkedQueue<>();
    private final Queue<String> dropped = new ConcurrentLinkedQueue<>();
    private ResourceCounter needed = ResourceCounter.empty();
    private int extra;
    private ResourceCounter exactly;
    private DesiredPlacement desired;
    private volatile Restoration restoration;
    private final AtomicInteger deployments = new AtomicInteger();
    private volatile Map<JobVertexID, List<Place>> places = Map.of();
    private volatile Map<JobVertexID, Integer> managedMib = Map.of();

    /** Wraps Flink's own, which reserves slots by the function that it is made with. */
    public PlacingSlotAllocator(
            Function<BiFunction<AllocationID, ResourceProfile, PhysicalSlot>, SlotAllocator> stock, DeclarativeSlotPool pool,
            String job, SlotNumbers numbers) {
        this.stock = stock.apply(this::reserve);
        this.pool = pool;
        this.job = job;
        this.numbers = numbers;
    }

    /** What the next restart is to look like; null leaves it to Flink. */
    public void desire(DesiredPlacement desired) {
        this.desired = desired;
        sizes.learn(desired);
        staleness.begin(desired);
    }

    /** Goes back to an earlier desired placement, unless the user asks for fewer subtasks by now. */
    public void restorePlacement(DesiredPlacement earlier) {
        desire(earlier);
        staleness.settle();
        forgetStale();
    }

    /** Sets the desired placement of a job that comes back with it, before anything else happens to the job. */
    public void restore(FormerPlaces former) {
        dropped.addAll(former.dropped());
        if (!former.desired().places().isEmpty()) {
            LOG.info("job {} shall run where it ran before: {} vertices", job, former.desired().places().size());
            restorePlacement(former.desired());
            restoration = new Restoration();
        }
    }

    /** The first start of a job that comes back; null for any other. */
    public Restoration restoration() {
        return restoration;
    }

    /** The desired placement that holds. */
    public DesiredPlacement desired() {
        return desired;
    }

    /** Slots to ask for beyond what the job needs, so that some of the desired nodes are among them. */
    public void extra(int slots) {
        extra = slots;
        exactly = null;
    }

    /**
     * Sets a placement, and asks for just the slots that it takes, each from its TaskManager, until {@link #extra} is told.
     *
     * @param pins how much of its own external resource a slot of each TaskManager has
     */
    public void desire(DesiredPlacement desired, Map<String, Double> pins) {
        desire(desired);
        Map<Spot, Integer> wanted = wanted(desired);
        // Slots in use count for whatever request they match, so those that are wanted are asked for by name as well.
        int others = held().entrySet().stream()
                .mapToInt(spot -> Math.max(0, spot.getValue() - wanted.getOrDefault(spot.getKey(), 0))).sum();
        ResourceCounter named = sizes.on(wanted, pins);
        exactly = others > 0 ? named.add(ResourceProfile.UNKNOWN, others) : named;
    }

    /** What is asked for: what the job needs and its desired placement takes, and the extra slots. */
    public ResourceCounter asked() {
        if (exactly != null) {
            return exactly;
        }
        int more = Math.max(0, slots() - needed.getTotalResourceCount()) + extra;
        ResourceCounter sized = sizes.sized(needed, desired);
        return more > 0 ? sized.add(ResourceProfile.UNKNOWN, more) : sized;
    }

    /** How many slots the job needs, and its desired placement takes. */
    public int slots() {
        int placed = desired == null ? 0 : wanted(desired).values().stream().mapToInt(Integer::intValue).sum();
        return Math.max(needed.getTotalResourceCount(), placed);
    }

    /** Where the subtasks of each vertex run, by their indexes; empty before the first deployment. */
    public Map<JobVertexID, List<Place>> places() {
        return places;
    }

    /** The managed memory of a subtask in MiB, of vertices that have a slot sharing group of their own. */
    public Map<JobVertexID, Integer> managedMib() {
        return managedMib;
    }

    /** How often the job was deployed: once more with each start of its tasks. Safe from any thread. */
    public int deployments() {
        return deployments.get();
    }

    /** Takes what failed next of what Flink asks this allocator; null when there is nothing. */
    public String failure() {
        return failures.poll();
    }

    /** Takes the next row that was dropped, with the reason; null when there is none. */
    public String dropped() {
        return dropped.poll();
    }

    @Override
    public ResourceCounter calculateRequiredSlots(Iterable<JobInformation.VertexInformation> vertices) {
        needed = stock.calculateRequiredSlots(vertices);
        try {
            return required(vertices);
        } catch (RuntimeException | LinkageError e) {
            // On this thread an error would end the job, or the JobManager.
            failed("Flink's own number of slots is asked for", e);
            return needed;
        }
    }

    private ResourceCounter required(Iterable<JobInformation.VertexInformation> vertices) {
        sizes.learn(vertices);
        Map<JobVertexID, Integer> most = new HashMap<>();
        vertices.forEach(vertex -> most.put(vertex.getJobVertexID(), vertex.getParallelism()));
        staleness.bounds(most);
        if (forgetStale()) {
            // Flink asks anew only for what differs from what it asked for last, which may not be what we did.
            pool.setResourceRequirements(asked());
        }
        return asked();
    }

    /** Slots are held for a desired placement, so one that can come true no more must not go on. */
    private boolean forgetStale() {
        if (desired == null || !staleness.isStale()) {
            return false;
        }
        LOG.info("fewer subtasks than were placed are asked for: Flink places them");
        desire(new DesiredPlacement(Map.of(), desired.managedMib()));
        extra(0);
        return true;
    }

    @Override
    public Optional<VertexParallelism> determineParallelism(
            JobInformation job, Collection<? extends SlotInfo> slots) {
        Optional<VertexParallelism> found = stock.determineParallelism(job, slots);
        return found.isPresent() && waits() ? Optional.empty() : found;
    }

    /** Whether Flink could start the job, but has not got all of the slots yet in which the job ran before. */
    private boolean waits() {
        if (restoration == null || restoration.isOver()) {
            return false;
        }
        try {
            return restoration.holdsBack(holds(desired), System.currentTimeMillis());
        } catch (RuntimeException | LinkageError e) {
            failed("the job starts wherever there are slots", e);
            restoration.end();
            return false;
        }
    }

    @Override
    public Optional<JobSchedulingPlan> determineParallelismAndCalculateAssignment(
            JobInformation job, Collection<PhysicalSlot> slots, JobAllocationsInformation previous) {
        Optional<JobSchedulingPlan> plan = stock.determineParallelismAndCalculateAssignment(job, slots, previous);
        if (desired == null || desired.places().isEmpty() || plan.isEmpty()) {
            return plan;
        }
        try {
            return Optional.of(placed(job, plan.get(), slots));
        } catch (RuntimeException | LinkageError e) {
            failed("Flink's own placement is used", e);
            dropped.add("all rows: " + e);
            return plan;
        }
    }

    @Override
    public Optional<ReservedSlots> tryReserveResources(JobSchedulingPlan plan) {
        Optional<ReservedSlots> reserved = stock.tryReserveResources(plan);
        if (reserved.isPresent()) {
            deployments.incrementAndGet();
            if (restoration != null) {
                restoration.end();
            }
            try {
                sizes.learn(pool.getAllSlotsInformation());
                places = read(plan);
                managedMib = memory(plan);
            } catch (RuntimeException | LinkageError e) {
                failed("where subtasks run is not known", e);
                places = Map.of();
                managedMib = Map.of();
            }
        }
        return reserved;
    }

    /** A slot that was asked for by its size is there for no other request. */
    private PhysicalSlot reserve(AllocationID id, ResourceProfile profile) {
        return pool.reserveFreeSlot(id, ownProfile(id, profile));
    }

    private ResourceProfile ownProfile(AllocationID id, ResourceProfile profile) {
        try {
            for (SlotInfo slot : pool.getAllSlotsInformation()) {
                if (slot.getAllocationId().equals(id) && size(slot) != SlotSizes.USUAL) {
                    return slot.getResourceProfile();
                }
            }
        } catch (RuntimeException | LinkageError e) {
            failed("a slot is reserved as Flink does it", e);
        }
        return profile;
    }

    private void failed(String instead, Throwable error) {
        LOG.error("{}", instead, error);
        failures.add(instead + ": " + error);
    }

    /** Subtasks of one slot sharing group that are desired in one slot. */
    private record Group(SlotSharingGroup sharing, Place desired, Set<ExecutionVertexID> subtasks) { }

    private JobSchedulingPlan placed(JobInformation job, JobSchedulingPlan plan, Collection<PhysicalSlot> slots) {
        List<Group> groups = groups(job, plan.getVertexParallelism());
        List<PhysicalSlot> ordered = new ArrayList<>(slots);
        ordered.sort(Comparator.comparing(slot -> slot.getAllocationId().toString()));
        Map<Long, SlotAssigner<Group, PhysicalSlot>> assigners = new TreeMap<>();
        groups.forEach(group -> assigners.computeIfAbsent(sizes.of(group.sharing, desired), size -> new SlotAssigner<>())
                .group(group, group.desired));
        assigners.forEach((size, assigner) -> ordered.stream().filter(slot -> size(slot) == size)
                .forEach(slot -> assigner.slot(node(slot), slot)));
        SlotAssigner<Group, PhysicalSlot> usual = assigners.get(SlotSizes.USUAL);
        if (usual != null && usual.lacks()) {
            // A slot of a size that was desired before is to be given back, but better than none.
            ordered.stream().filter(slot -> !assigners.containsKey(size(slot))).forEach(slot -> usual.slot(node(slot), slot));
        }
        List<SlotAssignment> assignments = new ArrayList<>();
        int elsewhere = 0;
        for (Map.Entry<Long, SlotAssigner<Group, PhysicalSlot>> assigner : assigners.entrySet()) {
            SlotAssigner.Outcome<Group, PhysicalSlot> assigned = assigner.getValue().assign();
            if (assigned == null) {
                String size = assigner.getKey() == SlotSizes.USUAL ? "" : " of " + (assigner.getKey() >> 20) + " MiB";
                dropped.add("all rows: fewer slots" + size + " are there than are desired");
                return plan;
            }
            for (Group group : assigned.elsewhere()) {
                dropped.add(group.desired + ": no slot left on that node for " + group.subtasks.size() + " subtasks");
            }
            elsewhere += assigned.elsewhere().size();
            assigned.slots().forEach((group, slot) -> assignments.add(
                    new SlotAssignment(slot, new ExecutionSlotSharingGroup(group.sharing, group.subtasks))));
        }
        LOG.info("placed {} slots, {} of them not where they were desired", groups.size(), elsewhere);
        return new JobSchedulingPlan(plan.getVertexParallelism(), assignments);
    }

    /** The subtasks by slot: of vertices that run with the desired parallelism as desired, and one of each other in each. */
    private List<Group> groups(JobInformation job, VertexParallelism parallelism) {
        List<Group> groups = new ArrayList<>();
        for (SlotSharingGroup sharing : job.getSlotSharingGroups()) {
            Map<Place, Set<ExecutionVertexID>> bySlot = new TreeMap<>();
            Map<JobVertexID, Integer> others = new LinkedHashMap<>();
            for (JobVertexID vertex : sharing.getJobVertexIds()) {
                List<Place> rows = desired.places().getOrDefault(vertex, List.of());
                int count = parallelism.getParallelism(vertex);
                if (rows.size() != count) {
                    others.put(vertex, count);
                    if (!rows.isEmpty()) {
                        dropped.add("all rows of vertex " + vertex + ": " + rows.size() + " subtasks are desired, and " + count
                                + " run");
                    }
                    continue;
                }
                for (int subtask = 0; subtask < count; subtask++) {
                    Set<ExecutionVertexID> slot = bySlot.computeIfAbsent(rows.get(subtask), place -> new HashSet<>());
                    slot.add(new ExecutionVertexID(vertex, subtask));
                }
            }
            List<Group> ofSharing = new ArrayList<>();
            bySlot.forEach((place, subtasks) -> ofSharing.add(new Group(sharing, place, subtasks)));
            others.forEach((vertex, count) -> {
                for (int subtask = 0; subtask < count; subtask++) {
                    if (subtask == ofSharing.size()) {
                        ofSharing.add(new Group(sharing, null, new HashSet<>()));
                    }
                    ofSharing.get(subtask).subtasks.add(new ExecutionVertexID(vertex, subtask));
                }
            });
            groups.addAll(ofSharing);
        }
        return groups;
    }

    /** Numbers the slots of a plan: as desired where it is so, else with the least numbers left on the node. */
    private Map<JobVertexID, List<Place>> read(JobSchedulingPlan plan) {
        List<SlotAssignment> assignments = new ArrayList<>(plan.getSlotAssignments());
        assignments.sort(Comparator.comparingInt(PlacingSlotAllocator::firstSubtask));
        LinkedHashMap<SlotAssignment, String> nodes = new LinkedHashMap<>();
        Map<SlotAssignment, Place> desired = new HashMap<>();
        for (SlotAssignment assignment : assignments) {
            nodes.put(assignment, node(assignment.getSlotInfo()));
            desired.put(assignment, desired(assignment));
        }
        Map<JobVertexID, TreeMap<Integer, Place>> found = new HashMap<>();
        numbers.number(job, nodes, desired).forEach((assignment, place) -> put(found, assignment, place));
        Map<JobVertexID, List<Place>> all = new HashMap<>();
        found.forEach((vertex, places) -> all.put(vertex, List.copyOf(places.values())));
        return Map.copyOf(all);
    }

    private static Map<JobVertexID, Integer> memory(JobSchedulingPlan plan) {
        Map<JobVertexID, Integer> memory = new HashMap<>();
        for (SlotAssignment assignment : plan.getSlotAssignments()) {
            int mib = assignment.getSlotInfo().getResourceProfile().getManagedMemory().getMebiBytes();
            SlotSizes.lone(assignment.getTargetAs(ExecutionSlotSharingGroup.class).getSlotSharingGroup())
                    .ifPresent(vertex -> memory.merge(vertex, mib, Math::min));
        }
        return Map.copyOf(memory);
    }

    /** The slot that all subtasks of an assignment were desired in, if they are on its node. */
    private Place desired(SlotAssignment assignment) {
        Place common = null;
        for (ExecutionVertexID id : subtasks(assignment)) {
            List<Place> rows = desired == null ? List.of() : desired.places().getOrDefault(id.getJobVertexId(), List.of());
            Place row = id.getSubtaskIndex() < rows.size() ? rows.get(id.getSubtaskIndex()) : null;
            if (row == null || common != null && !common.equals(row)) {
                return null;
            }
            common = row;
        }
        return common != null && common.node().equals(node(assignment.getSlotInfo())) ? common : null;
    }

    private static void put(Map<JobVertexID, TreeMap<Integer, Place>> found, SlotAssignment assignment, Place place) {
        for (ExecutionVertexID id : subtasks(assignment)) {
            found.computeIfAbsent(id.getJobVertexId(), v -> new TreeMap<>()).put(id.getSubtaskIndex(), place);
        }
    }

    private static Collection<ExecutionVertexID> subtasks(SlotAssignment assignment) {
        return assignment.getTargetAs(ExecutionSlotSharingGroup.class).getContainedExecutionVertices();
    }

    private static int firstSubtask(SlotAssignment assignment) {
        return subtasks(assignment).stream().mapToInt(ExecutionVertexID::getSubtaskIndex).min().orElse(0);
    }

    /** The id of a slot's TaskManager. */
    public static String node(SlotInfo slot) {
        return slot.getTaskManagerLocation().getResourceID().getResourceIdString();
    }

    private long size(SlotInfo slot) {
        return sizes.of(slot.getResourceProfile());
    }

    /** How many slots the job holds of sizes that are desired no more. */
    public int leftOver() {
        Set<Long> wanted = new HashSet<>(Set.of(SlotSizes.USUAL));
        if (desired != null) {
            wanted(desired).keySet().forEach(spot -> wanted.add(spot.size()));
        }
        return (int) pool.getAllSlotsInformation().stream().filter(slot -> !wanted.contains(size(slot))).count();
    }

    /** How many slots the job holds of each kind. */
    public Map<Spot, Integer> held() {
        Map<Spot, Integer> held = new HashMap<>();
        pool.getAllSlotsInformation().forEach(slot -> held.merge(new Spot(node(slot), size(slot)), 1, Integer::sum));
        return held;
    }

    /** Whether the job holds all slots that a desired placement takes, node by node. */
    public boolean holds(DesiredPlacement desired) {
        Map<Spot, Integer> held = held();
        return wanted(desired).entrySet().stream()
                .allMatch(spot -> held.getOrDefault(spot.getKey(), 0) >= spot.getValue());
    }

    /** How many slots of each kind a desired placement takes. */
    public Map<Spot, Integer> wanted(DesiredPlacement desired) {
        record Slot(SlotSharingGroup group, Place place) { }
        Set<Slot> slots = new HashSet<>();
        desired.places().forEach((vertex, rows) -> rows.forEach(place -> slots.add(new Slot(sizes.group(vertex), place))));
        Map<Spot, Integer> wanted = new HashMap<>();
        slots.forEach(slot -> wanted.merge(
                new Spot(slot.place.node(), sizes.of(slot.group, desired)), 1, Integer::sum));
        return wanted;
    }
}
