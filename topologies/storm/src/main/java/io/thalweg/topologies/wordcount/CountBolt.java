package io.thalweg.topologies.wordcount;

import io.thalweg.topologies.Journal;
import io.thalweg.topologies.Work;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.storm.task.TopologyContext;
import org.apache.storm.topology.BasicOutputCollector;
import org.apache.storm.topology.OutputFieldsDeclarer;
import org.apache.storm.topology.base.BaseBasicBolt;
import org.apache.storm.tuple.Tuple;

/**
 * Counts each word.
 *
 * <p>Its journal {@code count-<pid>-<task>.log} gets a line {@code <epoch ms> <tuples since the last line>} each 50 ms
 * in which tuples came.
 */
final class CountBolt extends BaseBasicBolt {
    private static final long serialVersionUID = 1;
    private static final long JOURNAL_MILLIS = 50;

    private final Work work;
    private final String out;
    private transient Map<String, Long> counts;
    private transient AtomicLong sinceLine;

    /** A null {@code out} keeps no journal. */
    CountBolt(Work work, String out) {
        this.work = work;
        this.out = out;
    }

    @Override
    public void prepare(Map<String, Object> configuration, TopologyContext context) {
        counts = new HashMap<>();
        sinceLine = new AtomicLong();
        if (out != null) {
            Journal.keep(out, "count", Integer.toString(context.getThisTaskId()), JOURNAL_MILLIS, this::line);
        }
    }

    @Override
    public void execute(Tuple word, BasicOutputCollector collector) {
        work.burn();
        counts.merge(word.getString(0), 1L, Long::sum);
        sinceLine.incrementAndGet();
    }

    private Optional<String> line() {
        long tuples = sinceLine.getAndSet(0);
        return tuples == 0 ? Optional.empty() : Optional.of(Long.toString(tuples));
    }

    @Override
    public void declareOutputFields(OutputFieldsDeclarer declarer) {
        // the last bolt emits nothing
    }
}
