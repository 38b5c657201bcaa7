package io.thalweg.flink.place;

import java.util.Map;
import org.apache.flink.runtime.jobgraph.JobVertexID;

/**
 * Whether a wish can come true no more, as the job's user asked for fewer subtasks.
 *
 * <p>A plan sets its wish before it asks for its own bounds, so a wish for more than the bounds allow is only stale once
 * they have allowed it.
 */
final class Staleness {
    private Wish wish;
    private Map<JobVertexID, Integer> most = Map.of();
    private boolean settled;

    /** A wish whose bounds may still have to come. */
    void begin(Wish wish) {
        this.wish = wish;
        settled = fits();
    }

    /** No other bounds will come for the wish. */
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
        return wish == null || wish.places().entrySet().stream().allMatch(row ->
                row.getValue().size() <= most.getOrDefault(row.getKey(), Integer.MAX_VALUE));
    }
}
