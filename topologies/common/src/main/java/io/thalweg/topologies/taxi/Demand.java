package io.thalweg.topologies.taxi;

import java.io.Serializable;

/** What happened in one zone within one window. */
public record Demand(long trips, long cents, long anomalies) implements Serializable {
    /** Length of a window in seconds. */
    public static final long WINDOW = 3_600;
    /** Seconds from one window's start to the next one's. */
    public static final long SLIDE = 900;
    /** Nothing. */
    public static final Demand NONE = new Demand(0, 0, 0);

    /** With one trip more. */
    public Demand plus(Trip trip) {
        return new Demand(trips + 1, cents + trip.cents(), anomalies + (trip.isAnomalous() ? 1 : 0));
    }

    /** Both together. */
    public Demand plus(Demand other) {
        return new Demand(trips + other.trips, cents + other.cents, anomalies + other.anomalies);
    }

    /** As journals hold it. */
    @Override
    public String toString() {
        return trips + ":" + cents + ":" + anomalies;
    }
}
