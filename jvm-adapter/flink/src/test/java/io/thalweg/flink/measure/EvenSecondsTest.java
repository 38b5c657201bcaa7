package io.thalweg.flink.measure;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.thalweg.flink.measure.EvenSeconds.Report;
import io.thalweg.flink.measure.Task.Totals;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.IntUnaryOperator;
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
        assertEquals(new Report(51, 2, after(2200)), seconds.at("a", after(2600), 51_400));
        // No new second has begun.
        assertEquals(new Report(51, 2, after(2200)), seconds.at("a", after(2900), 51_700));
        assertEquals(new Report(53, 4, after(4200)), seconds.at("a", after(4400), 53_200));
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
        assertEquals(new Report(11, 2, after(2000)), seconds.at("a", after(2000), 11_000));
        assertEquals(new Report(12, 3, after(3000)), seconds.at("a", after(3060), 12_000));
    }

    @Test
    void aSubtaskThatBeganAnewIsANewOne() {
        seconds.at("a", after(5000), 9_000);
        assertNull(seconds.at("a", after(700), 10_000));
        assertEquals(new Report(11, 2, after(1700)), seconds.at("a", after(1700), 11_000));
    }

    @Test
    void countersThatCameLateOnceDelayOneReport() {
        looks(0, 20, look -> look == 7 ? 2000 : 0);
        assertEquals(6, reports.get(7).second(), "nothing new was seen in that look");
        assertEquals(8, reports.get(8).second(), "the next is as if it had not been");
        assertEquals(after(20_000), last.totals());
        assertEquals(20, last.uptimeSecs());
    }

    @Test
    void theFirstCountersMayBeLate() {
        looks(0, 5, look -> look == 0 ? 2000 : 0);
        assertEquals(after(5_000), last.totals());
    }

    @Test
    void aTaskManagerThatStoodStillReportsAgainWithinSeconds() {
        // It answers nothing new for five seconds, and then goes on, as the clock did.
        looks(0, 30, look -> look >= 7 && look < 12 ? 1000 * (look - 6) : 0);
        assertEquals(after(30_000), last.totals());
        assertEquals(30, last.uptimeSecs());
        assertTrue(reports.get(13).second() >= 13, reports + "");
    }

    @Test
    void aTaskManagerWhoseTimeWasLostReportsAtOnce() {
        looks(0, 20, look -> look >= 7 ? 5000 : 0);
        assertEquals(20, last.second());
        assertEquals(after(15_000), last.totals());
    }

    @Test
    void aClockThatWasSetReportsAgainWithinSeconds() {
        looks(0, 20, look -> look >= 7 ? -5000 : 0);
        assertTrue(reports.get(13).second() == 13, reports + "");
        assertEquals(after(25_000), last.totals());
    }

    private final List<Report> reports = new ArrayList<>();
    private Report last;

    /** Looks each second, 200 ms after it began, which see counters as they were so many milliseconds before. */
    private void looks(int from, int to, IntUnaryOperator late) {
        for (int look = from; look <= to; look++) {
            last = seconds.at("a", after(1000.0 * look + 200 - late.applyAsInt(look)), 1000L * look + 200);
            reports.add(last);
        }
    }

    @Test
    void whatIsGoneIsForgotten() {
        seconds.at("a", after(1000), 5_000);
        seconds.keep(Set.of());
        assertNull(seconds.at("a", after(2000), 6_000));
    }
}
