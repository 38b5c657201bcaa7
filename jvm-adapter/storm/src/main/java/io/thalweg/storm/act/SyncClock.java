package io.thalweg.storm.act;

import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.ConcurrentHashMap;

/**
 * When each supervisor asks Nimbus for its assignments. It does so every ten seconds from its start on, which no
 * setting changes, so one observation tells all later times; they are kept from action to action.
 */
final class SyncClock {
    /** Storm's own, not a setting. */
    static final long PERIOD_MILLIS = 10_000;

    private final Map<String, Long> seen = new ConcurrentHashMap<>();

    /** Notes that a node was seen asking. */
    void saw(String node, long at) {
        seen.put(node, at);
    }

    /** The time nearest to now at which a node asks, if it was ever seen. */
    OptionalLong nearest(String node, long now) {
        Long at = seen.get(node);
        return at == null ? OptionalLong.empty()
            : OptionalLong.of(at + Math.floorDiv(now - at + PERIOD_MILLIS / 2, PERIOD_MILLIS) * PERIOD_MILLIS);
    }

    /** Whether a node will not ask within this time; false while that is unknown. */
    boolean quiet(String node, long millis, long now) {
        Long at = seen.get(node);
        return at != null && PERIOD_MILLIS - Math.floorMod(now - at, PERIOD_MILLIS) > millis;
    }

    /** Whether the last time that a node asked is at least so long ago; false while that is unknown. */
    boolean past(String node, long millis, long now) {
        Long at = seen.get(node);
        return at != null && Math.floorMod(now - at, PERIOD_MILLIS) >= millis;
    }

    /** Whether a node was ever seen. */
    boolean knows(String node) {
        return seen.containsKey(node);
    }
}
