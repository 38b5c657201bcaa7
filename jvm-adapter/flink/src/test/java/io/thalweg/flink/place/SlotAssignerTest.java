package io.thalweg.flink.place;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.thalweg.shell.Place;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class SlotAssignerTest {
    private final SlotAssigner<String, String> assign = new SlotAssigner<>();

    @Test
    void eachGroupGetsTheNodeItAsksFor() {
        assign.slot("a", "a1");
        assign.slot("b", "b1");
        assign.slot("a", "a2");
        assign.group("x", new Place("b", 0));
        assign.group("y", new Place("a", 0));
        assign.group("z", new Place("a", 1));
        SlotAssigner.Outcome<String, String> assigned = assign.assign();
        assertEquals("b1", assigned.slots().get("x"));
        assertEquals(Set.of("a1", "a2"), Set.of(assigned.slots().get("y"), assigned.slots().get("z")));
        assertTrue(assigned.elsewhere().isEmpty());
    }

    @Test
    void whereANodeHasNoSlotLeftTheRowIsDroppedAndAnotherNodeTaken() {
        assign.slot("a", "a1");
        assign.slot("b", "b1");
        assign.slot("b", "b2");
        assign.group("x", new Place("a", 0));
        assign.group("y", new Place("a", 1));
        assign.group("z", new Place("dead", 0));
        SlotAssigner.Outcome<String, String> assigned = assign.assign();
        assertEquals("a1", assigned.slots().get("x"));
        assertEquals(List.of("y", "z"), assigned.elsewhere());
        assertEquals(3, Set.copyOf(assigned.slots().values()).size());
    }

    @Test
    void tooFewSlotsAreNoDeal() {
        assign.slot("a", "a1");
        assign.group("x", null);
        assign.group("y", null);
        assertNull(assign.assign());
    }
}
