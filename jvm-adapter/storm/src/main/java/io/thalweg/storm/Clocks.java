package io.thalweg.storm;

import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.OptionalLong;
import java.util.TreeSet;
import java.util.function.Function;

/**
 * By how much each supervisor's clock is ahead of this one's, by the time in its last heartbeat. That is to within the time
 * between two heartbeats, five seconds: a clock that is right seems to be up to so much behind.
 */
final class Clocks {
    private static final int MOST_EACH = 25;
    private static final long KEPT_MILLIS = 60_000;

    private final Function<String, OptionalLong> reportedAt;
    private final Map<String, Reading> readings = new HashMap<>();

    private record Reading(long at, OptionalLong aheadMillis) { }

    /** Prepares to read when a node reported last, in seconds by its own clock. */
    Clocks(Function<String, OptionalLong> reportedAt) {
        this.reportedAt = reportedAt;
    }

    /**
     * The difference in milliseconds by node, below zero where its clock is behind; a node of which nothing is known is
     * missing. Clocks drift slowly, and each costs a question to ZooKeeper, so few are read at a time and seldom.
     */
    Map<String, Double> read(Collection<String> nodes, long now) {
        readings.keySet().retainAll(nodes);
        int left = MOST_EACH;
        Map<String, Double> ahead = new HashMap<>();
        for (String node : new TreeSet<>(nodes)) {
            Reading reading = readings.get(node);
            if (left > 0 && (reading == null || now - reading.at >= KEPT_MILLIS)) {
                OptionalLong secs = reportedAt.apply(node);
                // Where ZooKeeper does not answer, each further question would hold this thread up as long.
                left = secs.isPresent() ? left - 1 : 0;
                reading = new Reading(now, secs.isPresent() ? OptionalLong.of(1000 * secs.getAsLong() - now) : OptionalLong.empty());
                readings.put(node, reading);
            }
            if (reading != null && reading.aheadMillis.isPresent()) {
                ahead.put(node, (double) reading.aheadMillis.getAsLong());
            }
        }
        return ahead;
    }
}
