package io.thalweg.topologies.flink;

import io.thalweg.topologies.taxi.Demand;
import org.apache.flink.api.common.functions.AggregateFunction;

/** Sums what came of a zone within a window, one by one. */
abstract class DemandSum<T> implements AggregateFunction<T, Demand, Demand> {
    private static final long serialVersionUID = 1;

    @Override
    public Demand createAccumulator() {
        return Demand.NONE;
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
