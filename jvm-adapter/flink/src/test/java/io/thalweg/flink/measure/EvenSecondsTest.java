package io.thalweg.flink.measure;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.thalweg.flink.measure.EvenSeconds.Report;
import io.thalweg.flink.measure.Task.Totals;
import java.util.Set;
import org.junit.jupiter.api.Test;

class EvenSecondsTest {
    private final EvenSeconds seconds = new EvenSeconds();

    /** A subtask that reads 100 records per second and is busy for half of the time. */
    private static Totals after(double millis) {
        return new Totals(millis / 10, 0, millis / 2, 0, millis / 2);
    }

    @Test
    void countersAreThoseOfTheLastWholeSecondOfTheClock() {
        assertNull(seconds.at("a", after(1300), 50_100));
        assertEquals(new Report(2, after(2200)), seconds.at("a", after(2600), 51_400));
        // No new second has begun.
        assertEquals(new Report(2, after(2200)), seconds.at("a", after(2900), 51_700));
        assertEquals(new Report(4, after(4200)), seconds.at("a", after(4400), 53_200));
    }

    @Test
    void subtasksAreSeenAtTheSameInstants() {
        // One began 700 ms after the other; both are counted up to second 12 of the clock.
        seconds.at("old", after(2050), 11_050);
        seconds.at("young", after(1350), 11_050);
        assertEquals(after(3000), seconds.at("old", after(3100), 12_100).totals());
        assertEquals(after(2300), seconds.at("young", after(2400), 12_100).totals());
    }

    @Test
    void aLookThatTookLongDoesNotPutTheClockWrong() {
        // The first answer came 80 ms late, the second at once.
        seconds.at("a", after(1080), 10_000);
        assertEquals(new Report(2, after(2000)), seconds.at("a", after(2000), 11_000));
        assertEquals(new Report(3, after(3000)), seconds.at("a", after(3060), 12_000));
    }

    @Test
    void aSubtaskThatBeganAnewIsANewOne() {
        seconds.at("a", after(5000), 9_000);
        assertNull(seconds.at("a", after(700), 10_000));
        assertEquals(new Report(2, after(1700)), seconds.at("a", after(1700), 11_000));
    }

    @Test
    void whatIsGoneIsForgotten() {
        seconds.at("a", after(1000), 5_000);
        seconds.keep(Set.of());
        assertNull(seconds.at("a", after(2000), 6_000));
    }
}
