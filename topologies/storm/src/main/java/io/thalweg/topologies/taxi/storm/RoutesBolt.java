package io.thalweg.topologies.taxi.storm;

import io.thalweg.topologies.taxi.Month;
import java.util.HashMap;
import java.util.Map;
import org.apache.storm.task.TopologyContext;
import org.apache.storm.topology.BasicOutputCollector;
import org.apache.storm.topology.OutputFieldsDeclarer;
import org.apache.storm.topology.base.BaseBasicBolt;
import org.apache.storm.tuple.Fields;
import org.apache.storm.tuple.Tuple;
import org.apache.storm.tuple.Values;

/** Counts the trips of each route by window, in memory. */
final class RoutesBolt extends BaseBasicBolt {
    private static final long serialVersionUID = 1;

    private transient Map<Long, Map<String, Long>> windows;

    @Override
    public void prepare(Map<String, Object> configuration, TopologyContext context) {
        windows = new HashMap<>();
    }

    @Override
    public void execute(Tuple trip, BasicOutputCollector collector) {
        String route = trip.getStringByField("route");
        for (long start : Month.windows(trip.getLongByField("pickup"))) {
            long trips = windows.computeIfAbsent(start, s -> new HashMap<>()).merge(route, 1L, Long::sum);
            collector.emit(new Values(start, route, trips));
        }
    }

    @Override
    public void declareOutputFields(OutputFieldsDeclarer declarer) {
        declarer.declare(new Fields("start", "route", "trips"));
    }
}
