package io.thalweg.topologies.zoo;

import org.apache.storm.topology.BasicOutputCollector;
import org.apache.storm.topology.OutputFieldsDeclarer;
import org.apache.storm.topology.base.BaseBasicBolt;
import org.apache.storm.tuple.Tuple;

/** Takes whatever comes; how much that was is what Storm counts. */
public final class Sink extends BaseBasicBolt {
    private static final long serialVersionUID = 1;

    @Override
    public void execute(Tuple tuple, BasicOutputCollector collector) {
        // Storm's own count is the result.
    }

    @Override
    public void declareOutputFields(OutputFieldsDeclarer declarer) {
        // the last bolt emits nothing
    }
}
