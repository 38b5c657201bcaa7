package io.thalweg.flink.measure;

import io.thalweg.bridge.SnapshotWriter;
import io.thalweg.bridge.SnapshotWriter.Grouping;
import io.thalweg.bridge.SnapshotWriter.Kind;
import io.thalweg.bridge.SnapshotWriter.Status;
import io.thalweg.flink.measure.EvenSeconds.Report;
import io.thalweg.flink.measure.Task.Totals;
import io.thalweg.shell.Place;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BiFunction;

/** Puts what was seen of a cluster into the core's words: TaskManagers are nodes, slots ports, key groups tasks. */
public final class Encoder {
    private final SnapshotWriter writer = new SnapshotWriter();
    private final BusyTimes busyTimes = new BusyTimes();
    private final EvenSeconds seconds = new EvenSeconds();
    private final Between between = new Between();
    private final Set<String> seen = new HashSet<>();
    private final Map<Place, Integer> slots = new HashMap<>();
    private final Map<String, Double> gcMillis = new HashMap<>();
    private long atMillis;

    /** Starts a snapshot with these nodes, as they were at this time. */
    public void begin(long atMillis, List<NodeView> nodes) {
        this.atMillis = atMillis;
        writer.begin(atMillis);
        slots.clear();
        gcMillis.clear();
        seen.clear();
        for (NodeView node : nodes) {
            gcMillis.put(node.id(), node.gcMillis());
            int index = writer.node(node.id(), node.host(), "", 0, node.cpuPoints(), node.memoryMib(), Double.NaN);
            for (int port = 0; port < node.slots(); port++) {
                slots.put(new Place(node.id(), port), writer.slot(index, port));
            }
        }
    }

    /**
     * Adds a job.
     *
     * @param places where subtasks run, by vertex id and index, as far as it is known better than REST tells
     * @param managedMib managed memory of a subtask, by vertex id, where it can be changed
     */
    public void job(JobView job, BiFunction<String, Integer, Place> places, Map<String, Integer> managedMib) {
        Map<String, Place> found = new HashMap<>();
        Map<String, Integer> ranks = new HashMap<>();
        Set<Place> used = new HashSet<>();
        for (Vertex vertex : job.vertices()) {
            for (Task task : vertex.tasks()) {
                Place place = place(vertex, task, places, ranks);
                if (place != null) {
                    found.put(vertex.id() + task.index(), place);
                    used.add(place);
                }
            }
        }
        writer.topology(job.id(), job.name(), status(job), used.size(), 0);
        writer.checkpoint(job.checkpoint().durationMs(), job.checkpoint().bytes());
        List<List<Report>> reports = reports(job);
        for (int index = 0; index < job.vertices().size(); index++) {
            Vertex vertex = job.vertices().get(index);
            writer.component(vertex.name(), vertex.isSource() ? Kind.SOURCE : Kind.OPERATOR, vertex.firstTask(),
                    vertex.firstTask() + vertex.maxParallelism() - 1);
            if (managedMib.containsKey(vertex.id())) {
                writer.declared(Double.NaN, managedMib.get(vertex.id()));
            }
            writer.waiting(vertex.isSource() ? vertex.waiting().backlog() : between.before(job, index, reports),
                    vertex.waiting().partitions());
        }
        for (int to = 0; to < job.vertices().size(); to++) {
            for (Vertex.Input input : job.vertices().get(to).inputs()) {
                writer.edge(input.from(), to, grouping(input.shipStrategy()));
            }
        }
        for (int component = 0; component < job.vertices().size(); component++) {
            executors(job.vertices().get(component), component, found, reports.get(component));
        }
    }

    /** Ends the snapshot. */
    public SnapshotWriter finish() {
        busyTimes.keep(seen);
        seconds.keep(seen);
        between.keepLooked();
        return writer;
    }

    /** What every subtask of every vertex had done at the last whole second; null where that is not known. */
    private List<List<Report>> reports(JobView job) {
        List<List<Report>> all = new ArrayList<>();
        for (Vertex vertex : job.vertices()) {
            List<Report> reports = new ArrayList<>();
            for (Task task : vertex.tasks()) {
                Report report = null;
                if (task.running()) {
                    String key = String.join(" ", job.id(), vertex.id(), task.index() + "", task.attempt() + "", task.node());
                    seen.add(key);
                    report = seconds.at(key, busyTimes.at(key, task.totals()), atMillis);
                }
                reports.add(report);
            }
            all.add(reports);
        }
        return all;
    }

    private void executors(Vertex vertex, int component, Map<String, Place> found, List<Report> reports) {
        int count = vertex.tasks().size();
        for (int index = 0; index < count; index++) {
            Task task = vertex.tasks().get(index);
            Integer slot = slots.get(found.get(vertex.id() + task.index()));
            writer.executor(component, vertex.firstOf(task.index(), count), vertex.firstOf(task.index() + 1, count) - 1,
                    slot == null ? SnapshotWriter.NO_SLOT : slot);
            if (reports.get(index) != null) {
                counters(reports.get(index), vertex.isSource(), gcMillis.getOrDefault(task.node(), Double.NaN));
                writer.state(task.state().bytes(), task.state().lookups(), task.state().hits());
            }
        }
    }

    /** A record counts as executed once it was read; in a source, once it was written. */
    private void counters(Report report, boolean source, double gcMillis) {
        Totals totals = report.totals();
        long executed = Math.round(source ? totals.written() : totals.read());
        long written = Math.round(totals.written());
        writer.counters(report.uptimeSecs(), executed, totals.busy(), executed,
                totals.busy() + totals.backPressured(), 0, written, written, 0, 0);
        writer.times(totals.busy(), totals.backPressured(), totals.idle(), gcMillis);
    }

    /** As the slot allocator knows it; else subtasks fill the ports of their node in order. */
    private static Place place(Vertex vertex, Task task, BiFunction<String, Integer, Place> places,
            Map<String, Integer> ranks) {
        if (task.node() == null) {
            return null;
        }
        Place known = places.apply(vertex.id(), task.index());
        if (known != null && known.node().equals(task.node())) {
            return known;
        }
        int port = ranks.merge(vertex.id() + " " + task.node(), 1, Integer::sum) - 1;
        return new Place(task.node(), port);
    }

    private static Status status(JobView job) {
        return switch (job.state()) {
            case "RUNNING" -> Status.ACTIVE;
            case "SUSPENDED" -> Status.INACTIVE;
            case "CANCELLING", "FAILING" -> Status.KILLED;
            default -> Status.REBALANCING;
        };
    }

    private static Grouping grouping(String shipStrategy) {
        return switch (shipStrategy) {
            case "HASH" -> Grouping.FIELDS;
            case "REBALANCE", "SHUFFLE" -> Grouping.SHUFFLE;
            case "RESCALE", "FORWARD" -> Grouping.LOCAL_OR_SHUFFLE;
            case "BROADCAST" -> Grouping.ALL;
            case "GLOBAL" -> Grouping.GLOBAL;
            default -> Grouping.CUSTOM;
        };
    }
}
