package io.thalweg.flink.place;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.thalweg.shell.Place;
import java.util.List;
import java.util.Map;
import org.apache.flink.runtime.jobgraph.JobVertexID;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.node.ArrayNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.node.JsonNodeFactory;
import org.junit.jupiter.api.Test;

/** What of a stored table a job that comes back can still be placed by. */
class FormerPlacesTest {
    private static final JobVertexID SPLIT = new JobVertexID(0, 1);
    private static final JobVertexID COUNT = new JobVertexID(0, 2);
    private static final Map<String, String> NAMES = Map.of(SPLIT.toHexString(), "split", COUNT.toHexString(), "count");

    private final ArrayNode rows = JsonNodeFactory.instance.arrayNode();

    private void row(String component, int first, String node, int port) {
        rows.addObject().put("component", component).put("first", first).put("last", first + 63).put("node", node)
                .put("port", port);
    }

    private static FormerPlaces read(JsonNode rows, int split, int count) {
        return FormerPlaces.read(rows, NAMES, Map.of(SPLIT.toHexString(), split, COUNT.toHexString(), count));
    }

    @Test
    void subtasksAreInTheOrderOfTheirTasks() {
        row("split", 192, "n1", 0);
        row("split", 128, "n2", 3);
        row("count", 0, "n2", 3);
        FormerPlaces former = read(rows, 2, 1);
        assertEquals(Map.of(SPLIT, List.of(new Place("n2", 3), new Place("n1", 0)), COUNT, List.of(new Place("n2", 3))),
                former.desired().places());
        assertEquals(List.of(), former.dropped());
    }

    @Test
    void verticesThatFewerSubtasksAreAskedForBySinceAreLeftToFlink() {
        row("split", 128, "n2", 3);
        row("split", 192, "n1", 0);
        row("count", 0, "n2", 3);
        FormerPlaces former = read(rows, 1, 2);
        assertEquals(Map.of(COUNT, List.of(new Place("n2", 3))), former.desired().places());
        assertEquals(1, former.dropped().size());
        assertTrue(former.dropped().get(0).contains("2 subtasks"), former.dropped().get(0));
    }

    @Test
    void rowsOfAnotherGraphAreNamed() {
        row("join", 0, "n1", 0);
        FormerPlaces former = read(rows, 1, 1);
        assertEquals(Map.of(), former.desired().places());
        assertEquals(List.of("all rows of join: the job has no such vertex"), former.dropped());
    }

    @Test
    void verticesOfOneNameAreToldApart() {
        row("map#" + COUNT.toHexString(), 0, "n1", 0);
        row("map#" + SPLIT.toHexString(), 128, "n2", 1);
        Map<String, String> names = Map.of(SPLIT.toHexString(), "map", COUNT.toHexString(), "map");
        FormerPlaces former = FormerPlaces.read(rows, names, Map.of(SPLIT.toHexString(), 1, COUNT.toHexString(), 1));
        assertEquals(List.of(new Place("n2", 1)), former.desired().places().get(SPLIT));
    }
}
