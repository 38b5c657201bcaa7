package io.thalweg.topologies.zoo;

import java.util.Map;
import org.apache.storm.state.KeyValueState;
import org.apache.storm.task.OutputCollector;
import org.apache.storm.task.TopologyContext;
import org.apache.storm.topology.OutputFieldsDeclarer;
import org.apache.storm.topology.base.BaseStatefulBolt;
import org.apache.storm.tuple.Fields;
import org.apache.storm.tuple.Tuple;
import org.apache.storm.tuple.Values;

/** How often each word came, kept as state of Storm's own. */
final class Ledger extends BaseStatefulBolt<KeyValueState<String, Long>> {
    private static final long serialVersionUID = 1;

    private transient OutputCollector collector;
    private transient KeyValueState<String, Long> counts;

    @Override
    public void prepare(Map<String, Object> configuration, TopologyContext context, OutputCollector output) {
        collector = output;
    }

    @Override
    public void initState(KeyValueState<String, Long> state) {
        counts = state;
    }

    @Override
    public void execute(Tuple tuple) {
        String word = tuple.getString(0);
        long count = counts.get(word, 0L) + 1;
        counts.put(word, count);
        collector.emit(tuple, new Values(word, count));
        collector.ack(tuple);
    }

    @Override
    public void declareOutputFields(OutputFieldsDeclarer declarer) {
        declarer.declare(new Fields("word", "number"));
    }
}
