package io.thalweg.topologies.flink;

import io.thalweg.topologies.taxi.Demand;
import io.thalweg.topologies.taxi.Partial;
import org.apache.flink.api.common.functions.AggregateFunction;

/** Sums a zone's partials within a window, one by one. */
final class Merged implements AggregateFunction<Partial, Demand, Demand> {
    private static final long serialVersionUID = 1;

    @Override
    public Demand createAccumulator() {
        return Demand.NONE;
    }

    @Override
    public Demand add(Partial partial, Demand before) {
        return before.plus(partial.demand());
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
