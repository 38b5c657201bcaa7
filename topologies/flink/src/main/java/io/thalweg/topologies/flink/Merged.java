package io.thalweg.topologies.flink;

import io.thalweg.topologies.taxi.Demand;
import io.thalweg.topologies.taxi.Partial;

/** Sums a zone's partials within a window. */
final class Merged extends DemandSum<Partial> {
    private static final long serialVersionUID = 1;

    @Override
    public Demand add(Partial partial, Demand before) {
        return before.plus(partial.demand());
    }
}
