package io.thalweg.flink.measure;

import io.thalweg.bridge.SnapshotWriter;
import io.thalweg.bridge.SnapshotWriter.Grouping;
import io.thalweg.bridge.SnapshotWriter.Kind;
import io.thalweg.bridge.SnapshotWriter.Status;
import io.thalweg.flink.measure.EvenSeconds.Report;
import io.thalweg.flink.measure.Task.Totals;
import io.thalweg.flink.rest.Requirements.Range;
import io.thalweg.shell.Place;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Puts what was seen of a cluster into the core's words: TaskManagers are nodes, slots ports, key groups tasks. */
public final class Encoder {
    private final SnapshotWriter writer = new SnapshotWriter();
    private final BusyTimes busyTimes = new BusyTimes();
    private final EvenSeconds seconds = new EvenSeconds();
    private final Between between = new Between();
    private final Finished finished = new Finished();
    private final Set<String> seen = new HashSet<>();
    private final Ports ports = new Ports();
    private final Map<String, Double> gcMillis = new HashMap<>();
    private final Map<Place, Integer> slots = new HashMap<>();
    private long atMillis;

    /** What is known of jobs beyond what REST tells. */
    public interface Beyond {
        /** Where a subtask runs; null where that is not known better. */
        Place place(String job, String vertex, int subtask);

        /** Managed memory of a subtask in MiB, by vertex id, where it can be changed. */
        default Map<String, Integer> managedMib(String job) {
            return Map.of();
        }

        /** Bounds of parallelism that the user set, by vertex id. */
        default Map<String, Range> bounds(String job) {
            return Map.of();
        }
    }

    /** Encodes a cluster as it was seen at this time. The writer is good until the next call. */
    public SnapshotWriter encode(long atMillis, List<NodeView> nodes, List<JobView> jobs, Beyond beyond) {
        this.atMillis = atMillis;
        seen.clear();
        writer.begin(atMillis);
        Map<String, Place> places = ports.of(jobs, beyond::place);
        nodes(nodes, Set.copyOf(places.values()));
        jobs.forEach(job -> job(job, places, beyond));
        busyTimes.keep(seen);
        seconds.keep(seen);
        finished.keep(seen);
        between.keepLooked();
        return writer;
    }

    /** Slots that are in use, and as many others as Flink says are free: jobs that are not read here hold the rest. */
    private void nodes(List<NodeView> nodes, Set<Place> used) {
        slots.clear();
        gcMillis.clear();
        for (NodeView node : nodes) {
            gcMillis.put(node.id(), node.gcMillis());
            int index = writer.node(node.id(), node.host(), "", 0, node.cpuPoints(), node.memoryMib(), Double.NaN);
            int free = node.free();
            long left = used.stream().filter(place -> place.node().equals(node.id())).count();
            for (int port = 0; left > 0 || port < node.slots() && free > 0; port++) {
                Place place = new Place(node.id(), port);
                if (used.contains(place)) {
                    left--;
                } else if (port >= node.slots() || free-- <= 0) {
                    continue;
                }
                slots.put(place, writer.slot(index, port));
            }
        }
    }

    private void job(JobView job, Map<String, Place> places, Beyond beyond) {
        Map<String, Integer> managedMib = beyond.managedMib(job.id());
        Map<String, Range> bounds = beyond.bounds(job.id());
        writer.topology(job.id(), job.name(), status(job), slotsOf(job, places), 0);
        writer.checkpoint(job.checkpoint().durationMs(), job.checkpoint().bytes());
        writer.checkpointInterval(job.checkpoint().intervalMs());
        if (job.obstacle() != null) {
            writer.obstacle(job.obstacle());
        }
        List<List<Report>> reports = reports(job);
        // A group has the number of its first vertex, counted from 1; 0 is that of all whose group is not told.
        Map<String, Integer> groups = new HashMap<>(Map.of("", 0));
        for (int index = 0; index < job.vertices().size(); index++) {
            Vertex vertex = job.vertices().get(index);
            int number = index + 1;
            writer.component(vertex.name(), vertex.isSource() ? Kind.SOURCE : Kind.OPERATOR, vertex.firstTask(),
                    vertex.firstTask() + vertex.maxParallelism() - 1);
            writer.slotGroup(groups.computeIfAbsent(vertex.slotGroup(), group -> number));
            if (managedMib.containsKey(vertex.id())) {
                writer.declared(Double.NaN, managedMib.get(vertex.id()));
            }
            if (vertex.hasFinished()) {
                writer.bounds(vertex.tasks().size(), vertex.tasks().size());
            } else if (bounds.containsKey(vertex.id())) {
                writer.bounds(bounds.get(vertex.id()).lower(), bounds.get(vertex.id()).upper());
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
            executors(job, component, places, reports.get(component));
        }
    }

    private static int slotsOf(JobView job, Map<String, Place> places) {
        Set<Place> used = new HashSet<>();
        job.vertices().forEach(vertex -> vertex.tasks().forEach(task -> used.add(places.get(Ports.key(job, vertex, task)))));
        used.remove(null);
        return used.size();
    }

    /** What every subtask of every vertex had done at the last whole second; null where that is not known. */
    private List<List<Report>> reports(JobView job) {
        List<List<Report>> all = new ArrayList<>();
        for (Vertex vertex : job.vertices()) {
            List<Report> reports = new ArrayList<>();
            for (Task task : vertex.tasks()) {
                Report report = null;
                if (task.running() || task.finished()) {
                    String key = String.join(" ", job.id(), vertex.id(), task.index() + "", task.attempt() + "", task.node());
                    seen.add(key);
                    Totals totals = task.finished() ? finished.at(key, task.totals(), atMillis) : task.totals();
                    report = seconds.at(key, busyTimes.at(key, totals), atMillis);
                }
                reports.add(report);
            }
            all.add(reports);
        }
        return all;
    }

    private void executors(JobView job, int component, Map<String, Place> places, List<Report> reports) {
        Vertex vertex = job.vertices().get(component);
        int count = vertex.tasks().size();
        for (int index = 0; index < count; index++) {
            Task task = vertex.tasks().get(index);
            Integer slot = slots.get(places.get(Ports.key(job, vertex, task)));
            writer.executor(component, vertex.firstOf(task.index(), count), vertex.firstOf(task.index() + 1, count) - 1,
                    slot == null ? SnapshotWriter.NO_SLOT : slot);
            if (reports.get(index) != null) {
                counters(reports.get(index), gcMillis.getOrDefault(task.node(), Double.NaN));
                writer.state(task.state().bytes(), task.state().lookups(), task.state().hits());
            }
        }
    }

    /** A record counts as executed once it was taken in; by a source, once it was brought in. */
    private void counters(Report report, double gcMillis) {
        Totals totals = report.totals();
        long executed = Math.round(totals.read());
        long written = Math.round(totals.written());
        double busy = totals.isTimed() ? totals.busy() : 0;
        double processing = totals.isTimed() ? totals.busy() + totals.backPressured() : 0;
        writer.counters(report.uptimeSecs(), executed, busy, executed, processing, 0, written, written, 0, 0);
        writer.times(totals.busy(), totals.backPressured(), totals.idle(), gcMillis);
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
            case "BROADCAST" -> Grouping.BROADCAST;
            case "GLOBAL" -> Grouping.GLOBAL;
            default -> Grouping.CUSTOM;
        };
    }
}
