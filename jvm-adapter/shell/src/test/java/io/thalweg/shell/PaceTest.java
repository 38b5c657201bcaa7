package io.thalweg.shell;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class PaceTest {
    private static final long SECOND = TimeUnit.SECONDS.toNanos(1);

    /** A clock that only waiting, and what calls take, move on. */
    private static class Hand implements Pace.Clock {
        private long now = 5 * SECOND;
        private long waited;
        private long cpu;

        @Override
        public long nanos() {
            return now;
        }

        @Override
        public long cpuNanos() {
            return cpu;
        }

        @Override
        public void sleep(long nanos) {
            now += nanos;
            waited += nanos;
        }
    }

    @Test
    void aSmallClusterIsLookedAtWithoutAPause() throws InterruptedException {
        Hand clock = new Hand();
        Pace pace = new Pace(2, 2, clock);
        for (int look = 0; look < 10; look++) {
            for (int call = 0; call < 40; call++) {
                pace.await();
            }
            clock.now += SECOND;
        }
        assertEquals(0, clock.waited);
    }

    @Test
    void noSecondHasMoreCallsThanAreAllowed() throws InterruptedException {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        Hand clock = new Hand();
        Pace pace = new Pace(2, 2, clock);
        List<Long> calls = new ArrayList<>();
        for (int call = 0; call < 2_000; call++) {
            pace.await();
            calls.add(clock.now);
            // Most take next to nothing, some a good while.
            clock.now += random.nextInt(20) == 0 ? random.nextInt((int) (SECOND / 2)) : random.nextInt(1_000);
        }
        for (int call = Pace.MOST_CALLS_A_SECOND; call < calls.size(); call++) {
            long span = calls.get(call) - calls.get(call - Pace.MOST_CALLS_A_SECOND);
            assertTrue(span >= SECOND, "seed " + seed + ": 51 calls within " + span + " ns, up to call " + call);
        }
    }

    @Test
    void aWaitThatEndsEarlyIsGoneOnWith() throws InterruptedException {
        Hand clock = new Hand() {
            @Override
            public void sleep(long nanos) {
                super.sleep(nanos / 2 + 1);
            }
        };
        Pace pace = new Pace(2, 2, clock);
        long begin = clock.now;
        for (int call = 0; call <= Pace.MOST_CALLS_A_SECOND; call++) {
            pace.await();
        }
        assertTrue(clock.now - begin >= SECOND, clock.now - begin + " ns");
    }

    /** 2 % of a core: 0.1 s here and as much on the other side are 10 s of it, of which the calls took 2. */
    @Test
    void aLargeLookIsFollowedByAWaitForItsShareOfACore() throws InterruptedException {
        Hand clock = new Hand();
        Pace pace = new Pace(2, 2, clock);
        assertEquals(8_000, look(pace, clock, 101, SECOND / 10));
    }

    @Test
    void aSmallLookIsFollowedByNone() throws InterruptedException {
        Hand clock = new Hand();
        assertEquals(0, look(new Pace(2, 2, clock), clock, Pace.MOST_CALLS_A_SECOND, 10 * SECOND));
    }

    @Test
    void theCheapestOfTheLatestLooksCounts() throws InterruptedException {
        Hand clock = new Hand();
        Pace pace = new Pace(2, 2, clock);
        look(pace, clock, 101, SECOND / 10);
        for (int dear = 0; dear < 4; dear++) {
            assertTrue(look(pace, clock, 201, SECOND) <= 8_000);
        }
        assertTrue(look(pace, clock, 201, SECOND) > 90_000, "it has become dearer for good");
    }

    /** Half as many calls again as a second may have: the square of 1.5 times the interval, of which the calls took a second. */
    @Test
    void aLookOfFewMoreCallsWaitsLittleLongerThanTheInterval() throws InterruptedException {
        Hand clock = new Hand();
        assertEquals(21_500, look(new Pace(2, 2, clock), clock, 75, 100 * SECOND));
    }

    private static long look(Pace pace, Hand clock, int calls, long cpu) throws InterruptedException {
        // The calls of the look before are long ago.
        clock.now += 10 * SECOND;
        pace.begin();
        for (int call = 0; call < calls; call++) {
            pace.await();
        }
        clock.cpu += cpu;
        return pace.end(10_000);
    }
}
