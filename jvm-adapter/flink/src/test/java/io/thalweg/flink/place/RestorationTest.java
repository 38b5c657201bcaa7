package io.thalweg.flink.place;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class RestorationTest {
    private final Restoration restoration = new Restoration();

    @Test
    void aJobStartsAtOnceWhereItHasItsFormerSlots() {
        assertFalse(restoration.holdsBack(true, 0));
        assertTrue(restoration.isOver());
        assertFalse(restoration.holdsBack(false, 1), "what happens later is no matter of the first start");
    }

    @Test
    void itWaitsForThemOnceItCouldStart() {
        assertFalse(restoration.waits(), "it has no slots at all");
        assertTrue(restoration.holdsBack(false, 60_000));
        assertTrue(restoration.waits());
        assertTrue(restoration.holdsBack(false, 60_000 + Restoration.PATIENCE_MILLIS - 1));
        assertFalse(restoration.holdsBack(true, 60_000 + Restoration.PATIENCE_MILLIS - 1));
        assertFalse(restoration.waits());
    }

    @Test
    void butNotForLong() {
        assertTrue(restoration.holdsBack(false, 60_000));
        assertFalse(restoration.holdsBack(false, 60_000 + Restoration.PATIENCE_MILLIS));
        assertTrue(restoration.isOver());
    }
}
