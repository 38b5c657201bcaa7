package io.thalweg.topologies.zoo;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.apache.storm.spout.SpoutOutputCollector;
import org.apache.storm.task.TopologyContext;
import org.apache.storm.topology.OutputFieldsDeclarer;
import org.apache.storm.topology.base.BaseRichSpout;
import org.apache.storm.tuple.Fields;
import org.apache.storm.tuple.Values;

/**
 * Numbered words at a steady rate, one of eight. A file may hold another rate, which is taken up within a second, so that
 * load can change while a topology runs.
 */
public final class Beat extends BaseRichSpout {
    private static final long serialVersionUID = 1;
    private static final String[] WORDS = {"ach", "bay", "cove", "dell", "esk", "fen", "glen", "howe"};
    private static final long LOOK_MILLIS = 1_000;
    /** What was missed for longer than this is not made up for. */
    private static final double MOST_BEHIND_MILLIS = 1_000;

    private final double rate;
    private final String file;
    private final boolean tracked;
    private transient SpoutOutputCollector collector;
    private transient double now;
    private transient double due;
    private transient long nextLook;
    private transient long next;

    /** So many tuples per second and task, each of which is acknowledged. */
    public Beat(double rate) {
        this(rate, null, true);
    }

    private Beat(double rate, String file, boolean tracked) {
        this.rate = rate;
        this.file = file;
        this.tracked = tracked;
    }

    /** The same at the rate that a file holds, once there is one; null means none. */
    Beat steeredBy(String name) {
        return new Beat(rate, name, tracked);
    }

    /** The same without an id for each tuple, so that nobody hears what became of it. */
    Beat untracked() {
        return new Beat(rate, file, false);
    }

    @Override
    public void open(Map<String, Object> configuration, TopologyContext context, SpoutOutputCollector output) {
        collector = output;
        now = rate;
        due = System.currentTimeMillis();
    }

    @Override
    public void nextTuple() {
        long millis = System.currentTimeMillis();
        if (file != null && millis >= nextLook) {
            nextLook = millis + LOOK_MILLIS;
            now = read();
        }
        if (now <= 0 || millis < due) {
            return;
        }
        due = Math.max(due, millis - MOST_BEHIND_MILLIS) + 1_000 / now;
        Values tuple = new Values(WORDS[(int) (next % WORDS.length)], next);
        if (tracked) {
            collector.emit(tuple, next);
        } else {
            collector.emit(tuple);
        }
        next++;
    }

    private double read() {
        try {
            return Double.parseDouble(Files.readString(Path.of(file)).trim());
        } catch (IOException | NumberFormatException e) {
            return now; // not there yet, or just being written
        }
    }

    @Override
    public void declareOutputFields(OutputFieldsDeclarer declarer) {
        declarer.declare(new Fields("word", "number"));
    }
}
