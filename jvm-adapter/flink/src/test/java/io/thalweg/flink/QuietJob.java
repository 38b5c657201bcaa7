package io.thalweg.flink;

import io.thalweg.flink.place.PlacingSlotAllocator;
import io.thalweg.flink.place.SlotNumbers;
import io.thalweg.flink.place.DesiredPlacement;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import org.apache.flink.runtime.jobgraph.JobResourceRequirements;

/** A job with an allocator that asks nobody; what a test does not expect of it fails. */
public abstract class QuietJob implements PlacedJob {
    private final PlacingSlotAllocator allocator;

    /** With this id. */
    protected QuietJob(String id) {
        allocator = new PlacingSlotAllocator(reserve -> null, null, id, new SlotNumbers());
    }

    @Override
    public final PlacingSlotAllocator allocator() {
        return allocator;
    }

    @Override
    public <T> CompletableFuture<T> onMain(Callable<T> work) {
        try {
            return CompletableFuture.completedFuture(work.call());
        } catch (Exception e) {
            return CompletableFuture.failedFuture(e);
        }
    }

    @Override
    public boolean checkpoints() {
        throw new UnsupportedOperationException();
    }

    @Override
    public Object state() {
        throw new UnsupportedOperationException();
    }

    @Override
    public boolean isStillExecuting(Object state) {
        throw new UnsupportedOperationException();
    }

    @Override
    public boolean allRun() {
        throw new UnsupportedOperationException();
    }

    @Override
    public CompletableFuture<?> checkpoint() {
        throw new UnsupportedOperationException();
    }

    @Override
    public void restart(Object state) {
        throw new UnsupportedOperationException();
    }

    @Override
    public JobResourceRequirements requirements() {
        throw new UnsupportedOperationException();
    }

    @Override
    public void requirements(JobResourceRequirements bounds) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void desire(DesiredPlacement desired, Map<String, Double> pins) {
        throw new UnsupportedOperationException();
    }

    @Override
    public boolean holds(DesiredPlacement desired) {
        throw new UnsupportedOperationException();
    }

    @Override
    public boolean holdsEnough(DesiredPlacement desired) {
        throw new UnsupportedOperationException();
    }

    @Override
    public boolean isOver() {
        return hasEnded();
    }
}
