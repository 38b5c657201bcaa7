package io.thalweg.flink.place;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.thalweg.shell.Place;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class DealTest {
    private final Deal<String, String> deal = new Deal<>();

    @Test
    void eachGroupGetsTheNodeItWishes() {
        deal.slot("a", "a1");
        deal.slot("b", "b1");
        deal.slot("a", "a2");
        deal.group("x", new Place("b", 0));
        deal.group("y", new Place("a", 0));
        deal.group("z", new Place("a", 1));
        Deal.Outcome<String, String> dealt = deal.deal();
        assertEquals("b1", dealt.slots().get("x"));
        assertEquals(Set.of("a1", "a2"), Set.of(dealt.slots().get("y"), dealt.slots().get("z")));
        assertTrue(dealt.elsewhere().isEmpty());
    }

    @Test
    void whereANodeHasNoSlotLeftTheRowIsDroppedAndAnotherNodeTaken() {
        deal.slot("a", "a1");
        deal.slot("b", "b1");
        deal.slot("b", "b2");
        deal.group("x", new Place("a", 0));
        deal.group("y", new Place("a", 1));
        deal.group("z", new Place("dead", 0));
        Deal.Outcome<String, String> dealt = deal.deal();
        assertEquals("a1", dealt.slots().get("x"));
        assertEquals(List.of("y", "z"), dealt.elsewhere());
        assertEquals(3, Set.copyOf(dealt.slots().values()).size());
    }

    @Test
    void tooFewSlotsAreNoDeal() {
        deal.slot("a", "a1");
        deal.group("x", null);
        deal.group("y", null);
        assertNull(deal.deal());
    }
}
