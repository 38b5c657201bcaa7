package io.thalweg.storm.act;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class SyncClockTest {
    @Test
    void oneObservationTellsAllTimesAtWhichANodeAsks() {
        SyncClock clock = new SyncClock();
        clock.saw("n", 3_000);
        assertEquals(OptionalLong.of(43_000), clock.nearest("n", 44_000));
        assertTrue(clock.quiet("n", 8_500, 44_000), "it asks again at 53 s");
        assertFalse(clock.quiet("n", 9_000, 44_000));
        assertTrue(clock.past("n", 1_000, 44_000), "it asked at 43 s");
        assertFalse(clock.past("n", 1_001, 44_000));
    }

    @Test
    void nothingIsKnownOfANodeThatWasNeverSeen() {
        SyncClock clock = new SyncClock();
        assertFalse(clock.knows("n") || clock.quiet("n", 0, 5) || clock.past("n", 0, 5));
        assertEquals(OptionalLong.empty(), clock.nearest("n", 5));
    }
}
