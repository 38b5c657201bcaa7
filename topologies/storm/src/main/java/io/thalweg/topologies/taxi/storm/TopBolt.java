package io.thalweg.topologies.taxi.storm;

import io.thalweg.topologies.Journal;
import io.thalweg.topologies.taxi.Route;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.storm.task.TopologyContext;
import org.apache.storm.topology.BasicOutputCollector;
import org.apache.storm.topology.OutputFieldsDeclarer;
import org.apache.storm.topology.base.BaseBasicBolt;
import org.apache.storm.tuple.Tuple;

/**
 * Keeps each window's routes and tells the busiest.
 *
 * <p>Its journal {@code routes-<pid>-<task>.log} gets, each second, the windows that changed as
 * {@code <epoch ms> routes@<start>=<from>><to>:<trips>|...,...}; a window's last line counts.
 */
final class TopBolt extends BaseBasicBolt {
    private static final long serialVersionUID = 1;
    private static final long JOURNAL_MILLIS = 1_000;

    private final String out;
    private transient Map<Long, Map<String, Long>> windows;
    private transient Set<Long> changed;

    /** A null {@code out} keeps no journal. */
    TopBolt(String out) {
        this.out = out;
    }

    @Override
    public void prepare(Map<String, Object> configuration, TopologyContext context) {
        windows = new HashMap<>();
        changed = new HashSet<>();
        if (out != null) {
            Journal.keep(out, "routes", Integer.toString(context.getThisTaskId()), JOURNAL_MILLIS, this::line);
        }
    }

    @Override
    public synchronized void execute(Tuple route, BasicOutputCollector collector) {
        long start = route.getLongByField("start");
        // A count that was overtaken by a later one says nothing new.
        windows.computeIfAbsent(start, s -> new HashMap<>())
                .merge(route.getStringByField("route"), route.getLongByField("trips"), Long::max);
        changed.add(start);
    }

    private synchronized Optional<String> line() {
        if (changed.isEmpty()) {
            return Optional.empty();
        }
        String line = changed.stream().sorted().map(start -> Route.key(start) + "=" + Route.top(windows.get(start)))
                .collect(Collectors.joining(","));
        changed.clear();
        return Optional.of(line);
    }

    @Override
    public void declareOutputFields(OutputFieldsDeclarer declarer) {
        // the last bolt emits nothing
    }
}
