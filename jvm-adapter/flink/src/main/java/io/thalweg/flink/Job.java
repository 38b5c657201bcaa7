package io.thalweg.flink;

import io.thalweg.flink.place.PlacingSlotAllocator;
import io.thalweg.flink.place.SlotSizes.Spot;
import io.thalweg.flink.place.DesiredPlacement;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import org.apache.flink.api.common.JobID;
import org.apache.flink.api.common.JobStatus;
import org.apache.flink.core.execution.CheckpointType;
import org.apache.flink.runtime.clusterframework.types.AllocationID;
import org.apache.flink.runtime.concurrent.ComponentMainThreadExecutor;
import org.apache.flink.runtime.jobgraph.JobGraph;
import org.apache.flink.runtime.jobgraph.JobResourceRequirements;
import org.apache.flink.runtime.jobmaster.SlotInfo;
import org.apache.flink.runtime.jobmaster.slotpool.DeclarativeSlotPool;
import org.apache.flink.runtime.scheduler.adaptive.AdaptiveScheduler;
import org.apache.flink.runtime.scheduler.adaptive.ThalwegAccess;

/** One job with our slot allocator. Whatever touches its scheduler runs on the job's main thread and never waits there. */
public final class Job implements PlacedJob {
    private final JobGraph graph;
    private final AdaptiveScheduler scheduler;
    private final ComponentMainThreadExecutor mainThread;
    private final DeclarativeSlotPool pool;
    private final PlacingSlotAllocator allocator;

    Job(JobGraph graph, AdaptiveScheduler scheduler, ComponentMainThreadExecutor mainThread, DeclarativeSlotPool pool,
            PlacingSlotAllocator allocator) {
        this.graph = graph;
        this.scheduler = scheduler;
        this.mainThread = mainThread;
        this.pool = pool;
        this.allocator = allocator;
    }

    /** Its id. */
    public JobID id() {
        return graph.getJobID();
    }

    @Override
    public boolean checkpoints() {
        return graph.isCheckpointingEnabled();
    }

    @Override
    public PlacingSlotAllocator allocator() {
        return allocator;
    }

    CompletableFuture<JobStatus> ended() {
        return scheduler.getJobTerminationFuture();
    }

    @Override
    public <T> CompletableFuture<T> onMain(Callable<T> work) {
        CompletableFuture<T> result = new CompletableFuture<>();
        mainThread.execute(() -> {
            try {
                result.complete(work.call());
            } catch (Throwable e) {
                result.completeExceptionally(e);
            }
        });
        return result;
    }

    @Override
    public Object state() {
        return ThalwegAccess.state(scheduler);
    }

    @Override
    public boolean isStillExecuting(Object state) {
        return state == state() && ThalwegAccess.isExecuting(state);
    }

    @Override
    public int deployments() {
        return allocator.deployments();
    }

    @Override
    public boolean allRun() {
        return ThalwegAccess.allRun(state());
    }

    @Override
    public CompletableFuture<?> checkpoint() {
        return scheduler.triggerCheckpoint(CheckpointType.CONFIGURED);
    }

    @Override
    public void restart(Object state) {
        ThalwegAccess.restart(state);
    }

    @Override
    public JobResourceRequirements requirements() {
        return scheduler.requestJobResourceRequirements();
    }

    @Override
    public void requirements(JobResourceRequirements bounds) {
        scheduler.updateJobResourceRequirements(bounds);
    }

    @Override
    public void askFor(int extra) {
        allocator.extra(extra);
        pool.setResourceRequirements(allocator.asked());
    }

    @Override
    public void desire(DesiredPlacement desired, Map<String, Double> pins) {
        allocator.desire(desired, pins);
        pool.setResourceRequirements(allocator.asked());
    }

    @Override
    public boolean holds(DesiredPlacement desired) {
        return allocator.holds(desired);
    }

    @Override
    public boolean holdsEnough(DesiredPlacement desired) {
        Map<Long, Integer> held = bySize(allocator.held());
        return bySize(allocator.wanted(desired)).entrySet().stream()
                .allMatch(size -> held.getOrDefault(size.getKey(), 0) >= size.getValue());
    }

    @Override
    public int heldSlots() {
        return pool.getAllSlotsInformation().size();
    }

    @Override
    public boolean hasEnded() {
        return ended().isDone();
    }

    @Override
    public boolean isOver() {
        CompletableFuture<JobStatus> ended = ended();
        return ended.isDone() && !ended.isCompletedExceptionally() && ended.join().isGloballyTerminalState();
    }

    @Override
    public void startIfPossible() {
        ThalwegAccess.startIfPossible(scheduler);
    }

    private static Map<Long, Integer> bySize(Map<Spot, Integer> spots) {
        Map<Long, Integer> bySize = new HashMap<>();
        spots.forEach((spot, count) -> bySize.merge(spot.size(), count, Integer::sum));
        return bySize;
    }

    @Override
    public void giveBack() {
        askFor(0);
        int surplus = pool.getAllSlotsInformation().size() - allocator.slots();
        List<AllocationID> free = new ArrayList<>();
        for (SlotInfo slot : pool.getAllSlotsInformation()) {
            if (pool.containsFreeSlot(slot.getAllocationId())) {
                free.add(slot.getAllocationId());
            }
        }
        for (AllocationID slot : free.subList(0, Math.max(0, Math.min(surplus, free.size())))) {
            pool.releaseSlot(slot, new Exception("not needed for placement any more"));
        }
    }
}
