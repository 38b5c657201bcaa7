package io.thalweg.shell;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.List;

/** What an engine offers for carrying out one plan, as things are at this moment. */
public interface ClusterState {
    /** The strategies that are allowed and suit the plan, best first. */
    List<Strategy> strategies();

    /** The strategies to finish a plan that a predecessor had committed. */
    List<Strategy> carryOn();

    /** Fails once what the plan is for is gone. Asked while a step waits, so that it waits for nothing else. */
    default void check() throws StepFailed { }

    /** Whether the cluster is as the plan desires. */
    boolean reached();

    /** What is left to do for a plan of a predecessor that is reached already. */
    default void settle() throws Exception { }

    /** Takes back one thing that was, or may have been, done to the cluster; doing it twice does no harm. */
    default void undo(JsonNode done) throws Exception {
        throw new StepFailed(StepFailed.Code.ENGINE_REFUSED, "nobody knows how to take back " + done);
    }
}
