package io.thalweg.flink.measure;

import io.thalweg.flink.rest.Rest;
import java.io.IOException;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.node.MissingNode;

/** Whether a job that is restarted goes on where it was, as its checkpoints tell. */
public enum Recovery {
    /** From a checkpoint that it completed, or began from. */
    POSSIBLE,
    /** It takes no checkpoints by itself. */
    OFF,
    /** It takes checkpoints, and has completed none yet. */
    NONE_YET,
    /** Its last checkpoints failed: it would go far back. */
    FAILING;

    /** So many failures in a row are no accident; a restart alone makes one. */
    private static final int FAILURES = 3;

    /** As things are now. */
    public static Recovery read(Rest rest, String job) throws IOException, InterruptedException {
        return of(settings(rest, job), statistics(rest, job));
    }

    /** A job's settings of checkpoints; missing where it has none. */
    static JsonNode settings(Rest rest, String job) throws IOException, InterruptedException {
        return ifThere(rest, "/jobs/" + job + "/checkpoints/config");
    }

    /** What became of a job's checkpoints; missing where it takes none. */
    static JsonNode statistics(Rest rest, String job) throws IOException, InterruptedException {
        return ifThere(rest, "/jobs/" + job + "/checkpoints");
    }

    private static JsonNode ifThere(Rest rest, String path) throws IOException, InterruptedException {
        try {
            return rest.get(path);
        } catch (Rest.Refused e) {
            if (e.isNotFound()) {
                return MissingNode.getInstance();
            }
            throw e;
        }
    }

    /** Flink writes an interval for jobs without periodic checkpoints too: the longest there is. */
    static boolean isPeriodic(JsonNode settings) {
        return !Double.isNaN(intervalMs(settings));
    }

    /** The time between two checkpoints; NaN where there are none by themselves. */
    static double intervalMs(JsonNode settings) {
        long interval = settings.path("interval").asLong(0);
        return interval > 0 && interval < Long.MAX_VALUE ? interval : Double.NaN;
    }

    static Recovery of(JsonNode settings, JsonNode statistics) {
        if (!isPeriodic(settings) || statistics.isMissingNode()) {
            return OFF;
        }
        JsonNode latest = statistics.path("latest");
        if (latest.path("completed").isObject()) {
            return failedSince(statistics, latest.path("completed").path("id").asLong()) < FAILURES ? POSSIBLE : FAILING;
        }
        // After another JobManager took over, nothing is known of checkpoints but the one that it began from.
        return latest.path("restored").isObject() ? POSSIBLE : NONE_YET;
    }

    private static int failedSince(JsonNode statistics, long completed) {
        int failed = 0;
        for (JsonNode checkpoint : statistics.path("history")) {
            boolean newer = checkpoint.path("id").asLong() > completed;
            failed += newer && "FAILED".equals(checkpoint.path("status").asText()) ? 1 : 0;
        }
        return failed;
    }
}
