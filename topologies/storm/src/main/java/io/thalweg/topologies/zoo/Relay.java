package io.thalweg.topologies.zoo;

import io.thalweg.topologies.Pause;
import org.apache.storm.topology.BasicOutputCollector;
import org.apache.storm.topology.OutputFieldsDeclarer;
import org.apache.storm.topology.base.BaseBasicBolt;
import org.apache.storm.tuple.Fields;
import org.apache.storm.tuple.Tuple;
import org.apache.storm.tuple.Values;
import org.apache.storm.utils.TupleUtils;

/** Hands on what it gets, a fixed time later for each tuple. */
public final class Relay extends BaseBasicBolt {
    private static final long serialVersionUID = 1;

    private final Pause pause;

    /** Takes so many milliseconds for a tuple. */
    public Relay(double millis) {
        pause = Pause.ofMillis(millis);
    }

    @Override
    public void execute(Tuple tuple, BasicOutputCollector collector) {
        if (TupleUtils.isTick(tuple)) {
            return;
        }
        pause.take();
        collector.emit(new Values(tuple.getValue(0), tuple.getValue(1)));
    }

    @Override
    public void declareOutputFields(OutputFieldsDeclarer declarer) {
        declarer.declare(new Fields("word", "number"));
    }
}
