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

        @Override
        public long nanos() {
            return now;
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
        Pace pace = new Pace(clock);
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
        Pace pace = new Pace(clock);
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
        Pace pace = new Pace(clock);
        long begin = clock.now;
        for (int call = 0; call <= Pace.MOST_CALLS_A_SECOND; call++) {
            pace.await();
        }
        assertTrue(clock.now - begin >= SECOND, clock.now - begin + " ns");
    }
}
