package io.thalweg.topologies.taxi.storm;

import io.thalweg.topologies.Work;
import io.thalweg.topologies.taxi.Trip;
import org.apache.storm.topology.BasicOutputCollector;
import org.apache.storm.topology.OutputFieldsDeclarer;
import org.apache.storm.topology.base.BaseBasicBolt;
import org.apache.storm.tuple.Fields;
import org.apache.storm.tuple.Tuple;
import org.apache.storm.tuple.Values;

/** Reads trips, and leaves out lines that are none and trips that cannot have happened so. */
final class CleanBolt extends BaseBasicBolt {
    private static final long serialVersionUID = 1;

    private final Work work;

    CleanBolt(Work work) {
        this.work = work;
    }

    @Override
    public void execute(Tuple line, BasicOutputCollector collector) {
        work.burn();
        Trip.parse(line.getString(0)).filter(Trip::isSound).ifPresent(trip ->
                collector.emit(new Values(trip.from(), trip.pickup(), trip.cents(), trip.isAnomalous(), trip.route())));
    }

    @Override
    public void declareOutputFields(OutputFieldsDeclarer declarer) {
        declarer.declare(new Fields("zone", "pickup", "cents", "anomalous", "route"));
    }
}
