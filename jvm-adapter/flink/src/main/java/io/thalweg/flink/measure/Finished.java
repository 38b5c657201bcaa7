package io.thalweg.flink.measure;

import io.thalweg.flink.measure.Task.Totals;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/**
 * The counters of subtasks that have finished, as of a source that has read all there was. Flink counts nothing for them any
 * more; they do nothing, which is not the same as that nothing is known of them.
 */
final class Finished {
    private final Map<String, Long> since = new HashMap<>();

    /** The last totals, and all of the time since the subtask was first seen finished as idle. */
    Totals at(String subtask, Totals last, long clock) {
        long first = since.computeIfAbsent(subtask, key -> clock);
        Totals known = last.isTimed() ? last : new Totals(0, 0, 0, 0, 0);
        return new Totals(known.read(), known.written(), known.busy(), known.backPressured(), known.idle() + clock - first);
    }

    /** Forgets all other subtasks. */
    void keep(Set<String> subtasks) {
        since.keySet().retainAll(subtasks);
    }
}
