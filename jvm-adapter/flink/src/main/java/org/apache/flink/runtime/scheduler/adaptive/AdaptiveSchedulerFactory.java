package org.apache.flink.runtime.scheduler.adaptive;

import io.thalweg.flink.PlacingSchedulerFactory;
import org.apache.flink.configuration.TaskManagerOptions.TaskManagerLoadBalanceMode;
import org.apache.flink.runtime.jobmaster.slotpool.DeclarativeSlotPool;
import org.apache.flink.runtime.scheduler.adaptive.allocator.SlotSharingSlotAllocator;

/**
 * Has the name of Flink's own factory, so that Flink finds it first in {@code lib/} and makes its adaptive schedulers
 * through it. All it does is done elsewhere.
 */
public class AdaptiveSchedulerFactory extends PlacingSchedulerFactory {
    /** As in Flink's own class, for whoever calls it there. */
    public static SlotSharingSlotAllocator createSlotSharingSlotAllocator(
            DeclarativeSlotPool pool, boolean localRecovery, String target, boolean fewTaskManagers,
            TaskManagerLoadBalanceMode balance) {
        return SlotSharingSlotAllocator.createSlotSharingSlotAllocator(
                pool::reserveFreeSlot, pool::freeReservedSlot, pool::containsFreeSlot,
                localRecovery, target, fewTaskManagers, balance);
    }
}
