package io.thalweg.topologies.flink;

import io.thalweg.topologies.Pause;
import io.thalweg.topologies.Work;
import io.thalweg.topologies.taxi.Trip;
import org.apache.flink.api.common.functions.FlatMapFunction;
import org.apache.flink.util.Collector;

/** Reads trips, and leaves out lines that are none and trips that cannot have happened so. */
final class Clean implements FlatMapFunction<String, Trip> {
    private static final long serialVersionUID = 1;

    private final Work work;
    private final Pause pause;

    Clean(Work work, Pause pause) {
        this.work = work;
        this.pause = pause;
    }

    @Override
    public void flatMap(String line, Collector<Trip> trips) {
        work.burn();
        pause.take();
        Trip.parse(line).filter(Trip::isSound).ifPresent(trips::collect);
    }
}
