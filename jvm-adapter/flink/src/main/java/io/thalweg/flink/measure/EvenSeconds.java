package io.thalweg.flink.measure;

import io.thalweg.flink.measure.Task.Totals;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/**
 * Brings the counters of all subtasks to the same instants, whole seconds apart, by straight lines between two looks.
 * Spans are then exact although they are handed on in seconds, and what one subtask sends and another takes in is counted
 * over the same time.
 */
final class EvenSeconds {
    private static final double SECOND = 1000;

    /**
     * Totals at an instant.
     *
     * @param second the instant, in seconds of the clock
     * @param uptimeSecs the seconds that the subtask had then run for
     */
    record Report(long second, int uptimeSecs, Totals totals) { }

    /**
     * @param ahead by how much the subtask's own time is ahead of the clock
     * @param fallen what was seen when the subtask's time had gone back, at the last look only
     */
    private record Seen(ClockOffset ahead, Totals last, Report report, Seen fallen) { }

    private final Map<String, Seen> seen = new HashMap<>();

    /**
     * The totals at the last whole second of the clock that has passed; null before the second look.
     *
     * @param clock milliseconds, not later than the instant at which the counters were as given
     */
    Report at(String subtask, Totals now, long clock) {
        Seen before = seen.get(subtask);
        if (before != null && now.time() < before.last.time()) {
            // Once, counters came that were older than the last; twice, the subtask began anew.
            if (before.fallen == null) {
                seen.put(subtask, new Seen(before.ahead, before.last, before.report, first(now, clock)));
                return before.report;
            }
            before = before.fallen;
        }
        if (before == null || now.time() < before.last.time()) {
            seen.put(subtask, first(now, clock));
            return null;
        }
        if (now.time() == before.last.time()) {
            // The counters are those of the last look, so they say nothing of how the two clocks relate.
            return before.report;
        }
        long second = Math.floorDiv(clock, (long) SECOND);
        double instant = second * SECOND + before.ahead.after(now.time() - clock);
        double from = before.last.time();
        Report report = before.report;
        if (instant > from && (report == null || second > report.second)) {
            Totals totals = before.last.towards(now, (instant - from) / (now.time() - from));
            report = new Report(second, uptime(report, totals), totals);
        }
        seen.put(subtask, new Seen(before.ahead, now, report, null));
        return report;
    }

    private static Seen first(Totals now, long clock) {
        ClockOffset ahead = new ClockOffset();
        ahead.after(now.time() - clock);
        return new Seen(ahead, now, null, null);
    }

    /** Counted on from the last report: the relation of the two clocks is an estimate, which may change a little. */
    private static int uptime(Report before, Totals now) {
        return before == null ? (int) Math.round(now.time() / SECOND)
                : before.uptimeSecs + (int) Math.round((now.time() - before.totals.time()) / SECOND);
    }

    /** Forgets all other subtasks. */
    void keep(Set<String> subtasks) {
        seen.keySet().retainAll(subtasks);
    }
}
