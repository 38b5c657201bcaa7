package io.thalweg.flink.measure;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.thalweg.flink.measure.EvenSeconds.Report;
import io.thalweg.flink.measure.Task.Totals;
import io.thalweg.flink.measure.Vertex.Input;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class BetweenTest {
    private final Between between = new Between();

    private static Vertex vertex(String id, List<Input> inputs, int attempt, double read, double written, double idle) {
        Totals totals = new Totals(read, written, 1000, 0, idle);
        return new Vertex(id, id, 0, 4, inputs, List.of(new Task(0, attempt, "n1", true, totals, Task.State.UNKNOWN)),
                SourceReader.Waiting.UNKNOWN, "");
    }

    /** A source that sent so much to a step that took in so much and was idle so long. */
    private static JobView job(int attempt, double sent, double taken, double idle, String shipStrategy) {
        return new JobView("job", "words", "RUNNING", Checkpoint.UNKNOWN, null, List.of(vertex("source", List.of(), attempt, 0, sent, 0),
                vertex("split", List.of(new Input(0, shipStrategy)), attempt, taken, 0, idle)));
    }

    private long waiting(int attempt, double sent, double taken, double idle) {
        return waiting(job(attempt, sent, taken, idle, "REBALANCE"), 1);
    }

    private long waiting(JobView job, int vertex) {
        return between.before(job, vertex, job.vertices().stream().map(BetweenTest::reports).toList());
    }

    private static List<Report> reports(Vertex vertex) {
        return vertex.tasks().stream().map(task -> new Report(1, 1, task.totals())).toList();
    }

    @Test
    void whatWasSentAndNotTakenInWaits() {
        assertEquals(0, waiting(0, 100, 100, 500));
        assertEquals(60, waiting(0, 220, 160, 500));
        assertEquals(20, waiting(0, 250, 230, 500));
    }

    @Test
    void nothingWaitsBeforeASubtaskThatIsIdle() {
        // 40 records were in its checkpoint when it began, which the sender did not count.
        assertEquals(0, waiting(0, 100, 140, 0));
        assertEquals(10, waiting(0, 200, 230, 0));
        assertEquals(0, waiting(0, 300, 335, 300));
        assertEquals(5, waiting(0, 400, 430, 300));
    }

    @Test
    void whatWaitedBeforeARestartWaitsAfterIt() {
        waiting(0, 100, 100, 500);
        assertEquals(300, waiting(0, 500, 200, 500));
        assertEquals(250, waiting(1, 50, 100, 0));
    }

    @Test
    void countersThatCameLateAreNotHeldAgainstOthersOfToday() {
        assertEquals(60, waiting(0, 220, 160, 0));
        JobView later = job(0, 220, 260, 0, "REBALANCE");
        // The sender is still where it was a second ago, and seems to have sent less than was taken in.
        List<List<Report>> reports = new ArrayList<>(later.vertices().stream().map(BetweenTest::reports).toList());
        Totals now = later.vertices().get(1).tasks().get(0).totals();
        reports.set(1, new ArrayList<>(List.of(new Report(2, 2, now))));
        assertEquals(60, between.before(later, 1, reports));
        assertEquals(70, waiting(0, 430, 360, 0));
    }

    @Test
    void whatGoesToSeveralIsNotCounted() {
        assertEquals(-1, waiting(job(0, 100, 50, 0, "BROADCAST"), 1));
        List<Vertex> two = new ArrayList<>(job(0, 100, 50, 0, "HASH").vertices());
        two.add(vertex("other", List.of(new Input(0, "HASH")), 0, 50, 0, 0));
        assertEquals(-1, waiting(new JobView("job", "words", "RUNNING", Checkpoint.UNKNOWN, null, two), 1));
        assertEquals(-1, waiting(job(0, 100, 50, 0, "HASH"), 0), "nothing is sent to a source");
    }
}
