package io.thalweg.flink;

import io.thalweg.flink.place.PlacingSlotAllocator;
import io.thalweg.flink.place.DesiredPlacement;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import org.apache.flink.runtime.jobgraph.JobResourceRequirements;

/**
 * A job that our slot allocator places. What touches its scheduler is to be called through {@link #onMain}, but for the
 * allocator's places.
 */
public interface PlacedJob {
    /** Whether it ever takes checkpoints. */
    boolean checkpoints();

    /** Where its subtasks run; safe from any thread, as is what the allocator dropped. */
    PlacingSlotAllocator allocator();

    /** Runs something on the job's main thread. */
    <T> CompletableFuture<T> onMain(Callable<T> work);

    /** The state of its scheduler, to be compared with later ones. */
    Object state();

    /** Whether it is in this state still, and its tasks are deployed. */
    boolean isStillExecuting(Object state);

    /** How often it was deployed: once more with each start of its tasks. Safe from any thread. */
    int deployments();

    /** Whether all of its tasks run. */
    boolean allRun();

    /** Takes a checkpoint now. */
    CompletableFuture<?> checkpoint();

    /** Restarts its tasks at once. */
    void restart(Object state);

    /** Parallelism bounds that hold. */
    JobResourceRequirements requirements();

    /** Changes the bounds past the Dispatcher, so that they are lost with this JobManager. */
    void requirements(JobResourceRequirements bounds);

    /** Asks the ResourceManager for what is needed and this many slots more. */
    void askFor(int extra);

    /** Sets a desired placement, and asks for just the slots that it takes, each from its TaskManager. */
    void desire(DesiredPlacement desired, Map<String, Double> pins);

    /** Whether the job holds all slots that a desired placement takes, node by node. */
    boolean holds(DesiredPlacement desired);

    /** Whether the job holds as many slots of each size as a desired placement takes, wherever they are. */
    boolean holdsEnough(DesiredPlacement desired);

    /** How many slots it holds, in use or not. */
    int heldSlots();

    /** Whether it runs no more, here at least. Safe from any thread. */
    boolean hasEnded();

    /** Whether it has ended for good, and not because another JobManager takes it over. Safe from any thread. */
    boolean isOver();

    /** Has Flink look whether it can start the job by now, if it waits for slots. */
    void startIfPossible();

    /** Gives back the slots beyond need that nothing runs in. */
    void giveBack();
}
