package io.thalweg.flink.measure;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.thalweg.flink.measure.Task.Totals;
import java.util.Set;
import org.junit.jupiter.api.Test;

class WholeSecondsTest {
    private final WholeSeconds seconds = new WholeSeconds();

    /** A subtask that reads 100 records per second and is busy for half of the time. */
    private static Totals after(double millis) {
        return new Totals(millis / 10, 0, millis / 2, 0, millis / 2);
    }

    @Test
    void countersAreThoseOfTheLastWholeSecond() {
        assertNull(seconds.at("a", after(1300)));
        assertEquals(after(2000), seconds.at("a", after(2600)));
        // No new second has begun.
        assertEquals(after(2000), seconds.at("a", after(2900)));
        assertEquals(after(4000), seconds.at("a", after(4400)));
    }

    @Test
    void aSubtaskThatBeganAnewIsANewOne() {
        seconds.at("a", after(5000));
        assertNull(seconds.at("a", after(700)));
        assertEquals(after(1000), seconds.at("a", after(1500)));
    }

    @Test
    void whatIsGoneIsForgotten() {
        seconds.at("a", after(1000));
        seconds.keep(Set.of());
        assertNull(seconds.at("a", after(2000)));
    }
}
