package io.thalweg.flink.measure;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.thalweg.flink.measure.Task.Totals;
import io.thalweg.shell.Place;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class PortsTest {
    private final Ports ports = new Ports();

    /** Vertices x and y, whose subtasks share slots, on these nodes. */
    private static JobView job(String id, String... nodes) {
        List<Task> tasks = new ArrayList<>();
        for (String node : nodes) {
            tasks.add(new Task(tasks.size(), 0, node, true, new Totals(0, 0, 0, 0, 0), Task.State.UNKNOWN));
        }
        return new JobView(id, id, "RUNNING", Checkpoint.UNKNOWN, null, List.of(
                new Vertex("x", "x", 0, 4, List.of(), tasks, SourceReader.Waiting.UNKNOWN, ""),
                new Vertex("y", "y", 4, 4, List.of(), tasks, SourceReader.Waiting.UNKNOWN, "")));
    }

    private static Map<String, Place> sorted(Map<String, Place> places) {
        return new TreeMap<>(places);
    }

    @Test
    void aSlotIsOneSlotInTheWholeCluster() {
        Map<String, Place> found = ports.of(List.of(job("a", "n1", "n1"), job("b", "n1", "n2")), (j, v, s) -> null);
        assertEquals(sorted(Map.of("a x 0", new Place("n1", 0), "a y 0", new Place("n1", 0),
                "a x 1", new Place("n1", 1), "a y 1", new Place("n1", 1),
                "b x 0", new Place("n1", 2), "b y 0", new Place("n1", 2),
                "b x 1", new Place("n2", 0), "b y 1", new Place("n2", 0))), sorted(found));
    }

    @Test
    void verticesOfAnotherSlotSharingGroupHaveSlotsOfTheirOwn() {
        List<Task> one = job("a", "n1").vertices().get(0).tasks();
        JobView job = new JobView("a", "a", "RUNNING", Checkpoint.UNKNOWN, null, List.of(
                new Vertex("x", "x", 0, 4, List.of(), one, SourceReader.Waiting.UNKNOWN, "g"),
                new Vertex("y", "y", 4, 4, List.of(), one, SourceReader.Waiting.UNKNOWN, "h"),
                new Vertex("z", "z", 8, 4, List.of(), one, SourceReader.Waiting.UNKNOWN, "g")));
        Map<String, Place> found = ports.of(List.of(job), (j, v, s) -> null);
        assertEquals(found.get("a x 0"), found.get("a z 0"));
        assertEquals(List.of(0, 1), List.of(found.get("a x 0").port(), found.get("a y 0").port()));
    }

    @Test
    void whatTheAllocatorKnowsIsTakenFirstAndOthersKeepTheirNumbers() {
        ports.of(List.of(job("b", "n1"), job("c", "n1")), (j, v, s) -> null);
        // Another job comes, whose id is less, and takes the number that b had.
        Ports.Known known = (job, vertex, subtask) -> job.equals("a") ? new Place("n1", 0) : null;
        Map<String, Place> found = ports.of(List.of(job("a", "n1"), job("b", "n1"), job("c", "n1")), known);
        assertEquals(new Place("n1", 0), found.get("a x 0"));
        assertEquals(new Place("n1", 1), found.get("c x 0"), "kept");
        assertEquals(new Place("n1", 2), found.get("b x 0"));
    }

    @Test
    void whatRunsElsewhereThanTheAllocatorKnowsIsWhereRestSaysItIs() {
        Map<String, Place> found = ports.of(List.of(job("a", "n2")), (job, vertex, subtask) -> new Place("n1", 3));
        assertEquals(new Place("n2", 0), found.get("a x 0"));
    }
}
