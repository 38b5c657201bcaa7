package io.thalweg.flink.place;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.thalweg.shell.Place;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

class SlotNumbersTest {
    private final SlotNumbers numbers = new SlotNumbers();

    private Map<String, Place> number(String job, Map<String, Place> desired, String... slotsAndNodes) {
        LinkedHashMap<String, String> nodes = new LinkedHashMap<>();
        for (int i = 0; i < slotsAndNodes.length; i += 2) {
            nodes.put(slotsAndNodes[i], slotsAndNodes[i + 1]);
        }
        return numbers.number(job, nodes, desired);
    }

    @Test
    void slotsOfTwoJobsOnOneNodeHaveDifferentNumbers() {
        assertEquals(Map.of("a", new Place("n1", 0), "b", new Place("n1", 1)), number("one", Map.of(), "a", "n1", "b", "n1"));
        assertEquals(Map.of("a", new Place("n1", 2), "b", new Place("n2", 0)), number("two", Map.of(), "a", "n1", "b", "n2"));
    }

    @Test
    void aDesiredNumberIsKeptUnlessItIsAnothersOrOnAnotherNode() {
        number("one", Map.of(), "a", "n1");
        Map<String, Place> desired = Map.of("a", new Place("n1", 0), "b", new Place("n1", 3), "c", new Place("n2", 1));
        assertEquals(Map.of("a", new Place("n1", 1), "b", new Place("n1", 3), "c", new Place("n1", 2)),
                number("two", desired, "a", "n1", "b", "n1", "c", "n1"));
    }

    @Test
    void whatAJobHoldsNoMoreIsFree() {
        number("one", Map.of(), "a", "n1", "b", "n1");
        number("one", Map.of(), "c", "n1");
        assertEquals(Map.of("a", new Place("n1", 1)), number("two", Map.of(), "a", "n1"));
        numbers.forget("one");
        assertEquals(Map.of("a", new Place("n1", 0)), number("three", Map.of(), "a", "n1"));
    }
}
