package io.thalweg.storm.act;

import io.thalweg.shell.Deadline;
import io.thalweg.shell.StepFailed;
import java.util.function.Supplier;

/**
 * Waits until nothing of a topology whose sources were stopped is pending, as far as its statistics tell: what they
 * emitted was acknowledged or has failed. Where they cannot tell, it waits as long as tuples took lately.
 */
final class Drain {
    /** Sources notice a deactivation within about a second. */
    static final long NOTICE_MILLIS = 1100;

    /** Reports that come less often than this are not waited for: the topology stands still meanwhile. */
    static final long RAREST_MILLIS = 10_000;

    private static final long LOOK_MILLIS = 100;

    private final Supplier<Pending> look;
    private final Timing timing;

    /**
     * How long things take, in milliseconds.
     *
     * @param report between two reports of an executor
     * @param lately as long as a tuple was on its way lately
     * @param longest until a tuple that is still pending fails
     * @param sampled whether counts are estimates, which never agree exactly
     */
    record Timing(long report, long lately, long longest, boolean sampled) { }

    Drain(Supplier<Pending> look, Timing timing) {
        this.look = look;
        this.timing = timing;
    }

    /** Waits, and returns what could not be confirmed; empty if nothing is pending. */
    String await(Deadline deadline) throws StepFailed, InterruptedException {
        long stopped = System.currentTimeMillis();
        String blind = blind();
        if (!blind.isEmpty()) {
            deadline.pause(NOTICE_MILLIS + timing.lately);
            return "it is not confirmed that nothing is pending: " + blind + "; waited " + timing.lately
                + " ms, as long as tuples took lately";
        }
        Pending last = null;
        long end = Math.min(stopped + NOTICE_MILLIS + timing.longest, deadline.at() - timing.report);
        while (System.currentTimeMillis() < end) {
            deadline.check().hold();
            Pending now = look.get();
            boolean news = last == null || now.atMillis() > last.atMillis();
            if (news && now.atMillis() >= stopped + NOTICE_MILLIS) {
                if (now.tuples() == 0) {
                    return "";
                }
                boolean patient = System.currentTimeMillis() >= stopped + NOTICE_MILLIS + timing.lately;
                if (last != null && last.settled() == now.settled() && patient) {
                    return now.tuples() + " tuples are neither acknowledged nor failed, and none was between two reports: "
                        + "they carry no id, or are stuck";
                }
                last = now;
            }
            deadline.pause(LOOK_MILLIS);
        }
        return last == null ? "it is not confirmed that nothing is pending: no source reported since it was stopped"
            : last.tuples() + " tuples were pending at the last report, and will be replayed";
    }

    private String blind() {
        if (timing.sampled) {
            return "counts are samples (topology.stats.sample.rate)";
        }
        return timing.report > RAREST_MILLIS
            ? "executors report each " + timing.report / 1000 + " s (executor.metrics.frequency.secs)" : "";
    }
}
