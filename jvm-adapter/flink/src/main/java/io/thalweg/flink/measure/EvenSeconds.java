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

    /** Totals at an instant, and the seconds that the subtask had then run for. */
    record Report(int uptimeSecs, Totals totals) { }

    /** @param ahead by how much the subtask's own time is ahead of the clock */
    private record Seen(double ahead, Totals last, Report report) { }

    private final Map<String, Seen> seen = new HashMap<>();

    /**
     * The totals at the last whole second of the clock that has passed; null before the second look.
     *
     * @param clock milliseconds, not later than the instant at which the counters were as given
     */
    Report at(String subtask, Totals now, long clock) {
        Seen before = seen.get(subtask);
        if (before == null || now.time() < before.last.time()) {
            seen.put(subtask, new Seen(now.time() - clock, now, null));
            return null;
        }
        // The look that took least time tells best how the two clocks relate.
        double ahead = Math.min(before.ahead, now.time() - clock);
        double instant = Math.floorDiv(clock, (long) SECOND) * SECOND + ahead;
        double from = before.last.time();
        Report report = before.report;
        int uptime = (int) Math.round(instant / SECOND);
        if (instant > from && (report == null || uptime > report.uptimeSecs)) {
            report = new Report(uptime, before.last.towards(now, (instant - from) / (now.time() - from)));
        }
        seen.put(subtask, new Seen(ahead, now, report));
        return report;
    }

    /** Forgets all other subtasks. */
    void keep(Set<String> subtasks) {
        seen.keySet().retainAll(subtasks);
    }
}
