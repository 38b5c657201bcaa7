package io.thalweg.flink.measure;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.thalweg.flink.measure.Task.Totals;
import java.util.Random;
import org.junit.jupiter.api.Test;

class BusyTimesTest {
    private final BusyTimes times = new BusyTimes();

    private static Totals totals(double records, double busy, double backPressured, double idle) {
        return new Totals(records, 0, busy, backPressured, idle);
    }

    @Test
    void aWaitThatLastsIsNotWork() {
        times.at("a", totals(10, 5, 0, 995));
        // The wait since the last record looks like work: seen so by Flink, and taken back when the next record comes.
        assertEquals(totals(10, 5, 0, 2995), times.at("a", totals(10, 2005, 0, 995)));
        assertEquals(totals(11, 6, 0, 3994), times.at("a", totals(11, 6, 0, 3994)));
    }

    @Test
    void aLongRecordIsWorkOnceItsEndIsSeen() {
        times.at("a", totals(1, 100, 0, 900));
        assertEquals(100, times.at("a", totals(1, 2100, 0, 900)).busy());
        assertEquals(3100, times.at("a", totals(2, 3100, 0, 900)).busy());
    }

    @Test
    void aRecordThatTakesLongerThanAnyWaitGoesUncountedIsWork() {
        times.at("a", totals(1, 100, 0, 900));
        for (int second = 1; second <= 6; second++) {
            assertEquals(100, times.at("a", totals(1, 100 + 1000 * second, 0, 900)).busy(), "second " + second);
        }
        assertEquals(7_100, times.at("a", totals(1, 7_100, 0, 900)).busy());
        assertEquals(8_100, times.at("a", totals(1, 8_100, 0, 900)).busy());
    }

    @Test
    void aWaitThatIsCountedEachFiveSecondsIsNone() {
        times.at("a", totals(1, 100, 0, 900));
        double waited = 900;
        for (int second = 1; second <= 30; second++) {
            waited += second % 5 == 0 ? 5000 : 0;
            double busy = 1000 * second + 1000 - waited;
            assertEquals(100, times.at("a", totals(1, busy, 0, waited)).busy(), "second " + second);
        }
    }

    @Test
    void whereNoTimesAreToldNoneAreMadeUp() {
        Totals first = Totals.untimed(10, 0, 1000);
        assertEquals(first, times.at("a", first));
        assertTrue(Double.isNaN(times.at("a", Totals.untimed(20, 0, 2000)).busy()));
    }

    @Test
    void aSenderThatIsHeldUpDoesNotWork() {
        times.at("a", totals(50, 100, 100, 800));
        assertEquals(totals(51, 150, 1000, 850), times.at("a", totals(51, 150, 1000, 850)));
        // Still held up: nothing moved, and back-pressure was the last wait.
        assertEquals(150, times.at("a", totals(51, 350, 1800, 850)).busy());
        assertEquals(2000, times.at("a", totals(51, 350, 1800, 850)).backPressured());
    }

    @Test
    void recordsThatMoveAlwaysTakeTime() {
        times.at("a", totals(0, 400, 0, 600));
        Totals later = times.at("a", totals(1000, 380, 0, 1620));
        assertEquals(401, later.busy(), 1e-9);
        assertEquals(2000, later.time(), 1e-9);
    }

    @Test
    void aSubtaskThatBeganAnewIsANewOne() {
        times.at("a", totals(1000, 900, 0, 100));
        assertEquals(totals(5, 20, 0, 30), times.at("a", totals(5, 20, 0, 30)));
    }

    @Test
    void busyTimeDoesNotFallAfterCountersThatCameLate() {
        times.at("a", totals(10, 5, 0, 995));
        // A wait that still lasts, counted with a record that moved.
        assertEquals(905, times.at("a", totals(11, 905, 0, 1095)).busy());
        times.at("a", totals(10, 5, 0, 1500));
        assertTrue(times.at("a", totals(12, 20, 0, 2980)).busy() > 905);
    }

    /** Records at random instants, each of 2 ms; every reading counts the wait under way as work, as Flink does. */
    @Test
    void busyTimeNeverFallsAndIsNeverFarFromTheTruth() {
        long seed = System.nanoTime();
        System.out.println("seed " + seed);
        Random random = new Random(seed);
        double now = 0;
        double work = 0;
        double waited = 0;
        double look = 1000;
        double longest = 0;
        double before = 0;
        for (int record = 1; record <= 2000; record++) {
            double wait = -Math.log(1 - random.nextDouble()) * 40;
            longest = Math.max(longest, wait);
            for (; look < now + wait; look += 1000) {
                double busy = times.at("a", totals(record - 1, look - waited, 0, waited)).busy();
                assertTrue(busy >= before, "fell from " + before + " to " + busy);
                assertTrue(busy - work <= longest + 5, busy + " for " + work + " of work");
                before = busy;
            }
            waited += wait;
            work += 2;
            now += wait + 2;
        }
    }
}
