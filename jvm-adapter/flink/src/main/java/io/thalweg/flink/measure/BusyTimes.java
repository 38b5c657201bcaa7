package io.thalweg.flink.measure;

import io.thalweg.flink.measure.Task.Totals;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/**
 * Busy times that never fall.
 *
 * <p>Flink's busy time is what is left of a subtask's life when its waits are taken away, and a wait counts only once it
 * has ended. So a wait looks like work while it lasts, and busy time falls back when it ends: a subtask with little to do
 * seems to have worked for less than nothing. Here time becomes busy only with records that moved in it, and then every
 * record took some. But Flink counts what a wait has come to at even intervals too, so after a longer time without any it
 * was no wait: the subtask works on one record.
 */
final class BusyTimes {
    /** Less than any record takes: it only keeps work from looking like none. */
    private static final double LEAST_MILLIS_PER_RECORD = 0.001;

    /** Flink's interval of 5 s, and a look in which counters come late. */
    private static final double LONGEST_UNCOUNTED_MILLIS = 6_000;

    /**
     * @param held whether the last wait was for a receiver
     * @param waitedAt the subtask's time when a wait was last counted
     * @param fallen whether the last reading was older than this one
     */
    private record Seen(Totals raw, double busy, boolean held, double waitedAt, boolean fallen) { }

    private final Map<String, Seen> seen = new HashMap<>();

    /** The totals with the busy time that is certain; all of the time stays accounted for. */
    Totals at(String subtask, Totals now) {
        if (!now.isTimed()) {
            return now;
        }
        Seen before = seen.get(subtask);
        if (before != null && now.time() < before.raw.time() && !before.fallen) {
            // Once, counters came late; twice, the subtask began anew.
            seen.put(subtask, new Seen(before.raw, before.busy, before.held, before.waitedAt, true));
            return now;
        }
        if (before == null || now.time() < before.raw.time()) {
            seen.put(subtask, new Seen(now, now.busy(), false, now.time(), false));
            return withBusy(now, now.busy(), false);
        }
        double heldUp = now.backPressured() - before.raw.backPressured();
        double idle = now.idle() - before.raw.idle();
        double waitedAt = heldUp > 0 || idle > 0 ? now.time() : before.waitedAt;
        double moved = now.read() + now.written() - before.raw.read() - before.raw.written();
        double busy = before.busy;
        if (moved > 0 || now.time() - waitedAt > LONGEST_UNCOUNTED_MILLIS) {
            busy = Math.max(now.busy(), before.busy + moved * LEAST_MILLIS_PER_RECORD);
        }
        busy = Math.min(busy, now.time());
        boolean held = heldUp == idle ? before.held : heldUp > idle;
        seen.put(subtask, new Seen(now, busy, held, waitedAt, false));
        return withBusy(now, busy, held);
    }

    /** What is not busy is a wait, of the kind that it was last. */
    private static Totals withBusy(Totals now, double busy, boolean held) {
        double waited = now.time() - busy;
        double other = Math.min(held ? now.idle() : now.backPressured(), waited);
        double backPressured = held ? waited - other : other;
        return new Totals(now.read(), now.written(), busy, backPressured, waited - backPressured);
    }

    /** Forgets all other subtasks. */
    void keep(Set<String> subtasks) {
        seen.keySet().retainAll(subtasks);
    }
}
