package io.thalweg.flink.measure;

import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;

/**
 * A completed checkpoint, and how long the next one takes to come.
 *
 * @param durationMs from its trigger until all of it was acknowledged; NaN where unknown
 * @param bytes what was written for it, which of an incremental one is less than the state; -1 where unknown
 * @param intervalMs the time between two; NaN where the job takes none by itself
 */
public record Checkpoint(double durationMs, long bytes, double intervalMs) {
    /** None that is known of. */
    public static final Checkpoint UNKNOWN = new Checkpoint(Double.NaN, -1, Double.NaN);

    /** One as Flink's REST tells it. */
    static Checkpoint read(JsonNode json) {
        long duration = json.path("end_to_end_duration").asLong(-1);
        if (duration < 0) {
            return UNKNOWN;
        }
        return new Checkpoint(duration, json.path("checkpointed_size").asLong(-1), Double.NaN);
    }

    /** The same of a job that takes one each so often. */
    Checkpoint each(double millis) {
        return new Checkpoint(durationMs, bytes, millis);
    }
}
