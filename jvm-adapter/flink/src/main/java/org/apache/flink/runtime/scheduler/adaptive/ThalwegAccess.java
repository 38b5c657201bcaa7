package org.apache.flink.runtime.scheduler.adaptive;

import org.apache.flink.runtime.execution.ExecutionState;
import org.apache.flink.runtime.executiongraph.ExecutionVertex;

/** What only a class of this package may ask of an adaptive scheduler; to be called on its main thread. */
public final class ThalwegAccess {
    private ThalwegAccess() {}

    /** The state, to be compared with later ones. */
    public static Object state(AdaptiveScheduler scheduler) {
        return scheduler.getState();
    }

    /** Whether tasks are deployed and nothing changes. */
    public static boolean isExecuting(Object state) {
        return state instanceof Executing;
    }

    /** Whether every task runs, or has done all there was to do. */
    public static boolean allRun(Object state) {
        if (!(state instanceof Executing executing)) {
            return false;
        }
        for (ExecutionVertex vertex : executing.getExecutionGraph().getAllExecutionVertices()) {
            ExecutionState now = vertex.getExecutionState();
            if (now != ExecutionState.RUNNING && now != ExecutionState.FINISHED) {
                return false;
            }
        }
        return true;
    }

    /** Has a scheduler that waits for slots look whether those that are there suffice. */
    public static void startIfPossible(AdaptiveScheduler scheduler) {
        if (scheduler.getState() instanceof WaitingForResources waiting) {
            waiting.onNewResourcesAvailable();
        }
    }

    /** Restarts the tasks at once, on the slots and with the parallelism that the slot allocator says. */
    public static void restart(Object state) {
        ((StateTransitionManager.Context) state).transitionToSubsequentState();
    }
}
