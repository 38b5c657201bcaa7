package io.thalweg.topologies.flink;

import io.thalweg.topologies.taxi.Trip;
import org.apache.flink.api.common.functions.AggregateFunction;

/** Counts a route's trips within a window, one by one. */
final class Counted implements AggregateFunction<Trip, Long, Long> {
    private static final long serialVersionUID = 1;

    @Override
    public Long createAccumulator() {
        return 0L;
    }

    @Override
    public Long add(Trip trip, Long before) {
        return before + 1;
    }

    @Override
    public Long getResult(Long trips) {
        return trips;
    }

    @Override
    public Long merge(Long one, Long other) {
        return one + other;
    }
}
