package io.thalweg.topologies.taxi.storm;

import io.thalweg.topologies.taxi.Month;
import io.thalweg.topologies.taxi.Trip;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import org.apache.storm.spout.SpoutOutputCollector;
import org.apache.storm.task.TopologyContext;
import org.apache.storm.topology.OutputFieldsDeclarer;
import org.apache.storm.topology.base.BaseRichSpout;
import org.apache.storm.tuple.Fields;
import org.apache.storm.tuple.Values;

/** The trips of a month at the pace of their pickups, faster by a factor, each several times; what fails is sent again. */
final class ReplaySpout extends BaseRichSpout {
    private static final long serialVersionUID = 1;
    private static final double MILLIS = 1_000;

    private final double speedup;
    private final int copies;
    private transient SpoutOutputCollector collector;
    private transient List<String> lines;
    private transient Deque<Long> again;
    private transient long next;
    private transient double dueMillis;

    ReplaySpout(double speedup, int copies) {
        this.speedup = speedup;
        this.copies = copies;
    }

    @Override
    public void open(Map<String, Object> configuration, TopologyContext context, SpoutOutputCollector output) {
        collector = output;
        lines = Month.lines();
        again = new ArrayDeque<>();
        dueMillis = System.currentTimeMillis();
    }

    @Override
    public void nextTuple() {
        Long failed = again.poll();
        if (failed != null) {
            emit(failed);
        } else if (next < (long) lines.size() * copies && dueMillis <= System.currentTimeMillis()) {
            emit(next++);
            int line = (int) (next / copies);
            if (next % copies == 0 && line > 0 && line < lines.size()) {
                long seconds = pickup(line) - pickup(line - 1);
                // A gap of a day in the record is no reason to wait for a day.
                dueMillis += Math.min(seconds, 3_600) * MILLIS / speedup;
            }
        }
    }

    @Override
    public void fail(Object index) {
        again.add((Long) index);
    }

    @Override
    public void declareOutputFields(OutputFieldsDeclarer declarer) {
        declarer.declare(new Fields("line"));
    }

    private void emit(long index) {
        collector.emit(new Values(lines.get((int) (index / copies))), index);
    }

    private long pickup(int line) {
        return Trip.parse(lines.get(line)).map(Trip::pickup).orElse(0L);
    }
}
