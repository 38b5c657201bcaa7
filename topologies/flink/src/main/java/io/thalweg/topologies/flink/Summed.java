package io.thalweg.topologies.flink;

import io.thalweg.topologies.Work;
import io.thalweg.topologies.taxi.Demand;
import io.thalweg.topologies.taxi.Trip;

/** Sums a zone's trips within a window. */
final class Summed extends DemandSum<Trip> {
    private static final long serialVersionUID = 1;

    private final Work work;

    Summed(Work work) {
        this.work = work;
    }

    @Override
    public Demand add(Trip trip, Demand before) {
        work.burn();
        return before.plus(trip);
    }
}
