package io.thalweg.topologies.zoo;

import org.apache.storm.topology.BasicOutputCollector;
import org.apache.storm.topology.FailedException;
import org.apache.storm.topology.OutputFieldsDeclarer;
import org.apache.storm.topology.base.BaseBasicBolt;
import org.apache.storm.tuple.Tuple;

/** Fails each fourth tuple. */
final class Fails extends BaseBasicBolt {
    private static final long serialVersionUID = 1;
    private static final int ONE_OF = 4;

    private long seen;

    @Override
    public void execute(Tuple tuple, BasicOutputCollector collector) {
        if (++seen % ONE_OF == 0) {
            throw new FailedException("as it should");
        }
    }

    @Override
    public void declareOutputFields(OutputFieldsDeclarer declarer) {
        // the last bolt emits nothing
    }
}
