package io.thalweg.topologies.zoo;

import java.util.Map;
import org.apache.storm.task.OutputCollector;
import org.apache.storm.task.TopologyContext;
import org.apache.storm.topology.OutputFieldsDeclarer;
import org.apache.storm.topology.base.BaseWindowedBolt;
import org.apache.storm.tuple.Fields;
import org.apache.storm.tuple.Values;
import org.apache.storm.windowing.TupleWindow;

/** How many tuples each window of two seconds has. */
final class Windows extends BaseWindowedBolt {
    private static final long serialVersionUID = 1;

    private transient OutputCollector collector;

    Windows() {
        withTumblingWindow(Duration.seconds(2));
    }

    @Override
    public void prepare(Map<String, Object> configuration, TopologyContext context, OutputCollector output) {
        collector = output;
    }

    @Override
    public void execute(TupleWindow window) {
        collector.emit(window.get(), new Values("tuples", (long) window.get().size()));
    }

    @Override
    public void declareOutputFields(OutputFieldsDeclarer declarer) {
        declarer.declare(new Fields("word", "number"));
    }
}
