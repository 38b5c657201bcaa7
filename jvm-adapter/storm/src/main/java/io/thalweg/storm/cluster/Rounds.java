package io.thalweg.storm.cluster;

import java.util.ArrayDeque;
import java.util.Collections;
import java.util.Deque;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.storm.scheduler.TopologyDetails;
import org.apache.storm.scheduler.WorkerSlot;

/**
 * What scheduling rounds and the other threads tell each other: the cluster as the last round saw it, the beat of
 * the periodic rounds, and slots that an action is about to use. Rounds run on Nimbus's timer thread alone.
 */
public final class Rounds {
    /** A round that comes this much before its time is an extra one, called by a rebalance. */
    private static final long EARLY_MILLIS = 150;

    private static final long RECENT_ROUNDS = 3;

    /** Rounds are late when Nimbus lacks processor time, never early: the shortest of so many periods is the true one. */
    private static final int PERIODS = 5;

    private static final long RECENT_MILLIS = 15_000;

    /** The cluster as one round saw it. */
    public record View(Map<String, NodeFacts> nodes, Map<String, TopologyDetails> topologies) { }

    private final long periodMillis;
    private final Deque<Long> periods = new ArrayDeque<>();
    private volatile View view;
    private volatile Set<WorkerSlot> reserved = Set.of();
    private volatile long lastStart;
    private volatile long beat;
    private volatile long beatPeriod;

    /** Makes the record for rounds of this nominal distance. */
    public Rounds(long periodMillis) {
        this.periodMillis = periodMillis;
        this.beatPeriod = periodMillis;
    }

    /** Notes that a round begins. */
    public void begin(long now) {
        long since = now - beat;
        if (beat == 0 || since >= periodMillis - EARLY_MILLIS) {
            if (since < 2 * periodMillis) {
                note(since);
            }
            beat = now;
        }
        lastStart = now;
    }

    private void note(long period) {
        periods.addLast(period);
        if (periods.size() > PERIODS) {
            periods.removeFirst();
        }
        beatPeriod = Collections.min(periods);
    }

    /** Notes what the round saw. */
    public void seen(View seen) {
        view = seen;
    }

    /** What the last round saw; empty before the first. */
    public Optional<View> last() {
        return Optional.ofNullable(view);
    }

    /**
     * Keeps these slots from being given away: workers are being started there that Nimbus knows nothing of yet. An
     * empty set ends it.
     */
    public void reserve(Set<WorkerSlot> slots) {
        reserved = Set.copyOf(slots);
    }

    /** The slots that must not be given away. */
    public Set<WorkerSlot> reserved() {
        return reserved;
    }

    /** Whether this Nimbus leads: only the leader runs rounds. */
    public boolean leading(long now) {
        return lastStart != 0 && now - lastStart < Math.max(RECENT_ROUNDS * periodMillis, RECENT_MILLIS);
    }

    /** When the next periodic round will begin. */
    public long next(long now) {
        long next = beat + beatPeriod;
        while (next <= now) {
            next += beatPeriod;
        }
        return next;
    }
}
