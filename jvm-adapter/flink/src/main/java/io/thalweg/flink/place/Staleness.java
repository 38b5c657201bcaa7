package io.thalweg.flink.place;

import java.util.Map;
import org.apache.flink.runtime.jobgraph.JobVertexID;

/**
 * Whether a desired placement can come true no more, as the job's user asked for fewer subtasks.
 *
 * <p>A plan sets its placement before it asks for its own bounds, so one for more than the bounds allow is only stale once
 * they have allowed it.
 */
final class Staleness {
    private DesiredPlacement desired;
    private Map<JobVertexID, Integer> most = Map.of();
    private boolean settled;

    /** A desired placement whose bounds may still have to come. */
    void begin(DesiredPlacement desired) {
        this.desired = desired;
        settled = fits();
    }

    /** No other bounds will come for the desired placement. */
    void settle() {
        settled = true;
    }

    /** The most subtasks that each vertex may have from now on. */
    void bounds(Map<JobVertexID, Integer> most) {
        this.most = Map.copyOf(most);
        settled |= fits();
    }

    boolean isStale() {
        return settled && !fits();
    }

    private boolean fits() {
        return desired == null || desired.places().entrySet().stream().allMatch(row ->
                row.getValue().size() <= most.getOrDefault(row.getKey(), Integer.MAX_VALUE));
    }
}
