package io.thalweg.flink.measure;

import io.thalweg.flink.measure.EvenSeconds.Report;
import io.thalweg.flink.measure.Task.Totals;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.ToDoubleFunction;
import java.util.stream.LongStream;

/**
 * How many records wait between a step and its senders, in buffers: those sent less those taken in. Without it a step
 * that works off what has piled up seems to take in more than it is sent.
 */
final class Between {
    /** A subtask that is idle for more than this share of the time has nothing waiting. */
    private static final double IDLE = 0.1;

    /**
     * @param run tells the run of the subtasks: their counters begin anew with each
     * @param offset what waited when the counters began, as far as it is known
     */
    private record Seen(String run, double offset, long waiting, List<Report> receivers) { }

    private final Map<String, Seen> seen = new HashMap<>();
    private final Set<String> looked = new HashSet<>();

    /**
     * Records that wait before the vertex at this index; -1 where that cannot be told.
     *
     * @param reports of every subtask of every vertex, at one instant
     */
    long before(JobView job, int index, List<List<Report>> reports) {
        Vertex vertex = job.vertices().get(index);
        String key = job.id() + " " + vertex.id();
        looked.add(key);
        if (!countable(job, index, reports)) {
            return -1;
        }
        if (!atOneInstant(job, index, reports)) {
            // Of a subtask whose counters came late the last report is older: nothing new can be told.
            Seen before = seen.get(key);
            return before == null ? -1 : before.waiting;
        }
        StringBuilder run = new StringBuilder();
        double sent = 0;
        for (Vertex.Input input : vertex.inputs()) {
            sent += sum(reports.get(input.from()), Totals::written);
            job.vertices().get(input.from()).tasks().forEach(task -> name(task, run));
        }
        vertex.tasks().forEach(task -> name(task, run));
        List<Report> receivers = reports.get(index);
        double taken = sum(receivers, Totals::read);
        Seen before = seen.get(key);
        boolean goesOn = before != null && before.run.contentEquals(run);
        // What waited when a run ended was saved with its checkpoint, and waits again.
        double offset = before == null ? 0 : goesOn ? before.offset : before.waiting;
        if (goesOn && idle(before.receivers, receivers) || sent - taken + offset < 0) {
            offset = taken - sent;
        }
        long waiting = Math.round(sent - taken + offset);
        seen.put(key, new Seen(run.toString(), offset, waiting, receivers));
        return waiting;
    }

    /** Whether the vertex and its senders report of the same second. */
    private static boolean atOneInstant(JobView job, int index, List<List<Report>> reports) {
        LongStream own = reports.get(index).stream().mapToLong(Report::second);
        LongStream senders = job.vertices().get(index).inputs().stream()
                .flatMapToLong(input -> reports.get(input.from()).stream().mapToLong(Report::second));
        return LongStream.concat(own, senders).distinct().count() == 1;
    }

    private static double sum(List<Report> reports, ToDoubleFunction<Totals> of) {
        return reports.stream().map(Report::totals).mapToDouble(of).sum();
    }

    private static void name(Task task, StringBuilder run) {
        run.append(task.attempt()).append(' ').append(task.node()).append(' ');
    }

    /** Forgets what was not looked at since the last call. */
    void keepLooked() {
        seen.keySet().retainAll(looked);
        looked.clear();
    }

    /** Whether all that the senders write goes to this vertex once, and all counters are there. */
    private static boolean countable(JobView job, int index, List<List<Report>> reports) {
        boolean countable = !reports.get(index).contains(null);
        List<Vertex.Input> inputs = job.vertices().get(index).inputs();
        for (Vertex.Input input : inputs) {
            long receivers = job.vertices().stream().flatMap(other -> other.inputs().stream())
                    .filter(other -> other.from() == input.from()).count();
            countable &= receivers == 1 && !"BROADCAST".equals(input.shipStrategy())
                    && !reports.get(input.from()).contains(null);
        }
        return countable && !inputs.isEmpty();
    }

    /** Whether every subtask was idle for some of the time between these reports, if there is any. */
    private static boolean idle(List<Report> before, List<Report> now) {
        boolean idle = true;
        for (int subtask = 0; subtask < now.size(); subtask++) {
            Totals was = before.get(subtask).totals();
            Totals is = now.get(subtask).totals();
            idle &= is.idle() - was.idle() > IDLE * (is.time() - was.time());
        }
        return idle;
    }
}
