package io.thalweg.flink.place;

import io.thalweg.flink.measure.NodeView;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.flink.api.common.resources.ExternalResource;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.runtime.clusterframework.types.ResourceProfile;
import org.apache.flink.runtime.jobgraph.JobVertexID;
import org.apache.flink.runtime.jobmanager.scheduler.SlotSharingGroup;
import org.apache.flink.runtime.jobmaster.SlotInfo;
import org.apache.flink.runtime.scheduler.adaptive.allocator.JobInformation;
import org.apache.flink.runtime.util.ResourceCounter;

/**
 * How large the slots of each slot sharing group are to be. Slots differ in their managed memory alone; TaskManagers cut
 * those that nobody names a size for into equal parts.
 *
 * <p>Within a group Flink divides managed memory by itself, so only a vertex with a group of its own has a size.
 */
public final class SlotSizes {
    /** The size of slots as they come; any other is their managed memory in bytes. */
    static final long USUAL = 0;

    /** Slots of one size on one node. */
    public record Spot(String node, long size) { }

    private final Map<JobVertexID, SlotSharingGroup> groups = new LinkedHashMap<>();
    private final Map<SlotSharingGroup, Integer> counts = new LinkedHashMap<>();
    private final Set<Long> named = new HashSet<>();
    private ResourceProfile usual;

    /** Learns which sizes were ever desired: a slot of such a size is not one that came as it is. */
    void learn(DesiredPlacement desired) {
        if (desired != null) {
            desired.managedMib().values().forEach(mib -> named.add((long) mib << 20));
        }
    }

    /** Learns which groups there are, and how many slots each needs. */
    void learn(Iterable<JobInformation.VertexInformation> vertices) {
        groups.clear();
        counts.clear();
        for (JobInformation.VertexInformation vertex : vertices) {
            groups.put(vertex.getJobVertexID(), vertex.getSlotSharingGroup());
            counts.merge(vertex.getSlotSharingGroup(), vertex.getParallelism(), Math::max);
        }
    }

    /** Learns from the slots of a job that never asked for a size. */
    void learn(Collection<? extends SlotInfo> slots) {
        if (usual == null) {
            slots.stream().findFirst().ifPresent(slot -> usual = slot.getResourceProfile());
        }
    }

    /** The group of a vertex. */
    SlotSharingGroup group(JobVertexID vertex) {
        return groups.get(vertex);
    }

    /** The size that a group's slots are desired to have. */
    long of(SlotSharingGroup group, DesiredPlacement desired) {
        return desired == null ? USUAL : lone(group).map(desired.managedMib()::get).map(this::size).orElse(USUAL);
    }

    /** The size of a slot, as far as desired sizes tell them apart: TaskManagers may differ in what is usual. */
    long of(ResourceProfile slot) {
        long bytes = slot.getManagedMemory().getBytes();
        return named.contains(bytes) && !isUsual(bytes) ? bytes : USUAL;
    }

    private long size(int mib) {
        long bytes = (long) mib << 20;
        return isUsual(bytes) ? USUAL : bytes;
    }

    private boolean isUsual(long bytes) {
        return usual != null && bytes == usual.getManagedMemory().getBytes();
    }

    /** The only vertex of a group. */
    static Optional<JobVertexID> lone(SlotSharingGroup group) {
        return group == null || group.getJobVertexIds().size() != 1
                ? Optional.empty() : group.getJobVertexIds().stream().findFirst();
    }

    /**
     * Slots of these sizes on these nodes. Those of another size than the usual one may be anywhere, as a slot can only
     * be reserved for just what was asked for, and what is asked for after a change names no node.
     *
     * @param pins how much of its own external resource a slot of each TaskManager has
     */
    ResourceCounter on(Map<Spot, Integer> spots, Map<String, Double> pins) {
        ResourceCounter counter = ResourceCounter.empty();
        for (Map.Entry<Spot, Integer> spot : spots.entrySet()) {
            Double pin = spot.getKey().size() == USUAL ? pins.get(spot.getKey().node()) : null;
            List<ExternalResource> pinned = pin == null
                    ? List.of() : List.of(new ExternalResource(NodeView.pin(spot.getKey().node()), pin));
            counter = counter.add(profile(spot.getKey().size(), pinned), spot.getValue());
        }
        return counter;
    }

    private ResourceProfile profile(long size, List<ExternalResource> pinned) {
        if (usual == null || pinned.isEmpty() && size == USUAL) {
            return ResourceProfile.UNKNOWN;
        }
        ResourceProfile.Builder profile = ResourceProfile.newBuilder(usual).setExtendedResources(pinned);
        return (size == USUAL ? profile : profile.setManagedMemory(new MemorySize(size))).build();
    }

    /** What is needed, with the sizes that are desired. */
    ResourceCounter sized(ResourceCounter needed, DesiredPlacement desired) {
        ResourceCounter sized = needed;
        for (Map.Entry<SlotSharingGroup, Integer> group : counts.entrySet()) {
            long size = of(group.getKey(), desired);
            if (size != USUAL && usual != null && sized.getResourceCount(ResourceProfile.UNKNOWN) >= group.getValue()) {
                ResourceProfile profile = profile(size, List.of());
                sized = sized.subtract(ResourceProfile.UNKNOWN, group.getValue()).add(profile, group.getValue());
            }
        }
        return sized;
    }
}
