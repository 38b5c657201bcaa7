package io.thalweg.topologies.flink;

import io.thalweg.topologies.taxi.Route;
import org.apache.flink.streaming.api.functions.windowing.WindowFunction;
import org.apache.flink.streaming.api.windowing.windows.TimeWindow;
import org.apache.flink.util.Collector;

/** Puts a route's name and window to the number of its trips. */
final class Windowed implements WindowFunction<Long, Route, String, TimeWindow> {
    private static final long serialVersionUID = 1;

    @Override
    public void apply(String route, TimeWindow window, Iterable<Long> trips, Collector<Route> routes) {
        routes.collect(new Route(route, window.getStart() / 1_000, trips.iterator().next()));
    }
}
