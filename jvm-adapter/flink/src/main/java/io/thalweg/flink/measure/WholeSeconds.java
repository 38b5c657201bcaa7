package io.thalweg.flink.measure;

import io.thalweg.flink.measure.Task.Totals;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/**
 * Brings counters to whole seconds of a subtask's own time, by straight lines between two looks. Spans are then exact
 * although they are handed on in seconds.
 */
final class WholeSeconds {
    private static final double SECOND = 1000;

    private record Seen(Totals last, Totals whole) { }

    private final Map<String, Seen> seen = new HashMap<>();

    /** The totals at the last whole second that has passed; null before the second look. */
    Totals at(String subtask, Totals now) {
        Seen before = seen.get(subtask);
        if (before == null || now.time() < before.last.time()) {
            seen.put(subtask, new Seen(now, null));
            return null;
        }
        double second = Math.floor(now.time() / SECOND) * SECOND;
        double from = before.last.time();
        if (second <= from) {
            seen.put(subtask, new Seen(now, before.whole));
            return before.whole;
        }
        Totals whole = before.last.towards(now, (second - from) / (now.time() - from));
        seen.put(subtask, new Seen(now, whole));
        return whole;
    }

    /** Forgets all other subtasks. */
    void keep(Set<String> subtasks) {
        seen.keySet().retainAll(subtasks);
    }
}
