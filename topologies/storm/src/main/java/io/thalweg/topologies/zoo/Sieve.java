package io.thalweg.topologies.zoo;

import org.apache.storm.topology.BasicOutputCollector;
import org.apache.storm.topology.OutputFieldsDeclarer;
import org.apache.storm.topology.base.BaseBasicBolt;
import org.apache.storm.tuple.Fields;
import org.apache.storm.tuple.Tuple;
import org.apache.storm.tuple.Values;

/** Sends one tuple of ten back for another turn, and the others on. */
final class Sieve extends BaseBasicBolt {
    static final String BACK = "back";

    private static final long serialVersionUID = 1;
    private static final int ONE_OF = 10;

    private long seen;

    @Override
    public void execute(Tuple tuple, BasicOutputCollector collector) {
        Values same = new Values(tuple.getValue(0), tuple.getValue(1));
        if (++seen % ONE_OF == 0) {
            collector.emit(BACK, same);
        } else {
            collector.emit(same);
        }
    }

    @Override
    public void declareOutputFields(OutputFieldsDeclarer declarer) {
        Fields fields = new Fields("word", "number");
        declarer.declare(fields);
        declarer.declareStream(BACK, fields);
    }
}
