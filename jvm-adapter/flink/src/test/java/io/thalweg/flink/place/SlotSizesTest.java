package io.thalweg.flink.place;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.util.List;
import java.util.Map;
import org.apache.flink.runtime.clusterframework.types.ResourceProfile;
import org.apache.flink.runtime.jobgraph.JobVertexID;
import org.apache.flink.runtime.jobmanager.scheduler.SlotSharingGroup;
import org.junit.jupiter.api.Test;

class SlotSizesTest {
    @Test
    void onlyAVertexThatSharesItsSlotsWithNoneHasASizeOfItsOwn() {
        JobVertexID lone = new JobVertexID();
        SlotSharingGroup own = group(lone);
        SlotSharingGroup shared = group(new JobVertexID(), new JobVertexID());
        assertEquals(lone, SlotSizes.lone(own).orElseThrow());
        assertNull(SlotSizes.lone(shared).orElse(null));
        SlotSizes sizes = new SlotSizes();
        DesiredPlacement desired = new DesiredPlacement(Map.of(), Map.of(lone, 48, shared.getJobVertexIds().iterator().next(), 48));
        assertEquals(48L << 20, sizes.of(own, desired));
        assertEquals(SlotSizes.USUAL, sizes.of(shared, desired));
        assertEquals(SlotSizes.USUAL, sizes.of(own, null));
    }

    @Test
    void aSlotOfASizeThatWasEverAskedForIsNotAUsualOne() {
        SlotSizes sizes = new SlotSizes();
        assertEquals(SlotSizes.USUAL, sizes.of(profile(48)));
        sizes.learn(new DesiredPlacement(Map.of(), Map.of(new JobVertexID(), 48)));
        sizes.learn(new DesiredPlacement(Map.of(), Map.of(new JobVertexID(), 24)));
        assertEquals(48L << 20, sizes.of(profile(48)));
        assertEquals(24L << 20, sizes.of(profile(24)));
        assertEquals(SlotSizes.USUAL, sizes.of(profile(32)));
    }

    @Test
    void aPlacementKeepsWhatAnEarlierOneSaidOfOtherVertices() {
        JobVertexID one = new JobVertexID();
        JobVertexID other = new JobVertexID();
        DesiredPlacement earlier = new DesiredPlacement(Map.of(), Map.of(one, 48, other, 16));
        assertEquals(Map.of(one, 24, other, 16), new DesiredPlacement(Map.of(), Map.of(one, 24)).after(earlier).managedMib());
        assertEquals(Map.of(one, 24), new DesiredPlacement(Map.of(), Map.of(one, 24)).after(null).managedMib());
    }

    private static ResourceProfile profile(int managedMib) {
        return ResourceProfile.newBuilder().setCpuCores(1).setManagedMemoryMB(managedMib).build();
    }

    private static SlotSharingGroup group(JobVertexID... vertices) {
        SlotSharingGroup group = new SlotSharingGroup();
        List.of(vertices).forEach(group::addVertexToGroup);
        return group;
    }
}
