package io.thalweg.storm.cluster;

import java.util.ArrayDeque;
import java.util.Collection;
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

    /** Rounds are late when Nimbus lacks processor time, never early: the shortest of so many periods is the true one. */
    private static final int PERIODS = 5;

    /** The cluster as one round saw it. */
    public record View(Map<String, NodeFacts> nodes, Map<String, TopologyDetails> topologies) { }

    private final long periodMillis;
    private final Deque<Long> periods = new ArrayDeque<>();
    private volatile View view;
    private volatile Reservation reservation = Reservation.NONE;
    private long begun;
    private long ended;
    private long reservedDuring;
    private Set<WorkerSlot> handedOut = Set.of();
    private volatile long lastStart;
    private volatile long beat;
    private volatile long beatPeriod;

    /** Makes the record for rounds of this nominal distance. */
    public Rounds(long periodMillis) {
        this.periodMillis = periodMillis;
        this.beatPeriod = periodMillis;
    }

    /** Notes that a round begins, and tells what it must not give away; that holds until the round ends. */
    public synchronized Reservation begin(long now) {
        begun++;
        long since = now - beat;
        if (beat == 0 || since >= periodMillis - EARLY_MILLIS) {
            if (since < 2 * periodMillis) {
                note(since);
            }
            beat = now;
        }
        lastStart = now;
        return reservation;
    }

    /** Notes that a round is over, and which slots are in use by what it decided: Nimbus only stores that afterwards. */
    public synchronized void end(Collection<WorkerSlot> used) {
        handedOut = Set.copyOf(used);
        ended = begun;
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
     * Keeps slots from being given to others than this topology. A round that runs meanwhile may still do so:
     * {@link #reservationHolds} tells when that is over, and {@link #handedOut} what it gave away.
     */
    public synchronized void reserve(String topology, Set<WorkerSlot> slots) {
        reservation = new Reservation(topology, Set.copyOf(slots), true);
        reservedDuring = begun;
    }

    /** Shows reserved slots to the core, which is to place their topology there now. */
    public synchronized void reveal() {
        reservation = reservation.revealed();
    }

    /** Ends the reservation. */
    public synchronized void release() {
        reservation = Reservation.NONE;
    }

    /** What is reserved now. */
    public Reservation reservation() {
        return reservation;
    }

    /** Whether every round that began before the last reservation has ended. */
    public synchronized boolean reservationHolds() {
        return ended >= reservedDuring;
    }

    /** The slots in use by what the last round decided. */
    public synchronized Set<WorkerSlot> handedOut() {
        return handedOut;
    }

    /** Whether a round of any kind began within the last so many milliseconds. */
    public boolean beganWithin(long millis, long now) {
        return lastStart != 0 && now - lastStart <= millis;
    }

    /** When the next periodic round will begin. */
    public long next(long now) {
        if (beat == 0) {
            return now + beatPeriod;
        }
        long next = beat + beatPeriod;
        while (next <= now) {
            next += beatPeriod;
        }
        return next;
    }
}
