package io.thalweg.topologies.zoo;

import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.apache.storm.task.OutputCollector;
import org.apache.storm.task.TopologyContext;
import org.apache.storm.topology.OutputFieldsDeclarer;
import org.apache.storm.topology.base.BaseRichBolt;
import org.apache.storm.tuple.Fields;
import org.apache.storm.tuple.Tuple;
import org.apache.storm.tuple.Values;

/** Hands a tuple on, and acknowledges it, two seconds after it was executed, as bolts do that ask others. */
final class Later extends BaseRichBolt {
    private static final long serialVersionUID = 1;
    private static final long AFTER_MILLIS = 2_000;

    private transient OutputCollector collector;
    private transient ScheduledExecutorService others;

    @Override
    public void prepare(Map<String, Object> configuration, TopologyContext context, OutputCollector output) {
        collector = output;
        others = Executors.newSingleThreadScheduledExecutor();
    }

    @Override
    public void execute(Tuple tuple) {
        others.schedule(() -> {
            collector.emit(tuple, new Values(tuple.getValue(0), tuple.getValue(1)));
            collector.ack(tuple);
        }, AFTER_MILLIS, TimeUnit.MILLISECONDS);
    }

    @Override
    public void cleanup() {
        others.shutdownNow();
    }

    @Override
    public void declareOutputFields(OutputFieldsDeclarer declarer) {
        declarer.declare(new Fields("word", "number"));
    }
}
