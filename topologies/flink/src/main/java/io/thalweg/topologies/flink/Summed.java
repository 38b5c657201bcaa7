package io.thalweg.topologies.flink;

import io.thalweg.topologies.Work;
import io.thalweg.topologies.taxi.Demand;
import io.thalweg.topologies.taxi.Trip;
import org.apache.flink.api.common.functions.AggregateFunction;

/** Sums a zone's trips within a window, one by one. */
final class Summed implements AggregateFunction<Trip, Demand, Demand> {
    private static final long serialVersionUID = 1;

    private final Work work;

    Summed(Work work) {
        this.work = work;
    }

    @Override
    public Demand createAccumulator() {
        return Demand.NONE;
    }

    @Override
    public Demand add(Trip trip, Demand before) {
        work.burn();
        return before.plus(trip);
    }

    @Override
    public Demand getResult(Demand demand) {
        return demand;
    }

    @Override
    public Demand merge(Demand one, Demand other) {
        return one.plus(other);
    }
}
