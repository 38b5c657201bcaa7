package io.thalweg.topologies.taxi.storm;

import io.thalweg.topologies.Journal;
import io.thalweg.topologies.taxi.Demand;
import io.thalweg.topologies.taxi.Month;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.apache.storm.task.TopologyContext;
import org.apache.storm.topology.BasicOutputCollector;
import org.apache.storm.topology.OutputFieldsDeclarer;
import org.apache.storm.topology.base.BaseBasicBolt;
import org.apache.storm.tuple.Tuple;

/**
 * Sums the trips of each zone by window, in memory.
 *
 * <p>Its journal {@code demand-<pid>-<task>.log} gets, each second, the windows that changed as
 * {@code <epoch ms> <zone>@<start>=<trips>:<cents>:<anomalies>,...}: summed over processes, no trip is missing, and a
 * replayed one counts again.
 */
final class DemandBolt extends BaseBasicBolt {
    private static final long serialVersionUID = 1;
    private static final long JOURNAL_MILLIS = 1_000;

    private final String out;
    private transient Map<String, Demand> windows;
    private transient Map<String, Demand> changed;

    /** A null {@code out} keeps no journal. */
    DemandBolt(String out) {
        this.out = out;
    }

    @Override
    public void prepare(Map<String, Object> configuration, TopologyContext context) {
        windows = new HashMap<>();
        changed = new HashMap<>();
        if (out != null) {
            Journal.keep(out, "demand", Integer.toString(context.getThisTaskId()), JOURNAL_MILLIS, this::line);
        }
    }

    @Override
    public synchronized void execute(Tuple trip, BasicOutputCollector collector) {
        int zone = trip.getIntegerByField("zone");
        Demand one = new Demand(1, trip.getIntegerByField("cents"), trip.getBooleanByField("anomalous") ? 1 : 0);
        for (long start : Month.windows(trip.getLongByField("pickup"))) {
            String window = Month.key(zone, start);
            changed.put(window, windows.merge(window, one, Demand::plus));
        }
    }

    private synchronized Optional<String> line() {
        if (changed.isEmpty()) {
            return Optional.empty();
        }
        String line = changed.entrySet().stream()
                .map(window -> window.getKey() + "=" + window.getValue()).collect(Collectors.joining(","));
        changed.clear();
        return Optional.of(line);
    }

    @Override
    public void declareOutputFields(OutputFieldsDeclarer declarer) {
        // the last bolt emits nothing
    }
}
