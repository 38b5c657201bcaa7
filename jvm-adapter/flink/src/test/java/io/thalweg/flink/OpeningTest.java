package io.thalweg.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.thalweg.bridge.ThalwegException;
import io.thalweg.bridge.ThalwegException.Code;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class OpeningTest {
    private final AtomicInteger tries = new AtomicInteger();
    private final List<Long> pauses = new CopyOnWriteArrayList<>();
    private final CountDownLatch opened = new CountDownLatch(1);
    private final CountDownLatch closed = new CountDownLatch(1);

    private Opening<AutoCloseable> opening(int locked, RuntimeException failure) {
        return new Opening<>(() -> {
            if (tries.incrementAndGet() <= locked) {
                throw failure;
            }
            opened.countDown();
            return closed::countDown;
        }, e -> e instanceof ThalwegException t && t.code() == Code.STORE, pauses::add);
    }

    private static ThalwegException failure(Code code) {
        return new ThalwegException(code, "for a test");
    }

    @Test
    void aStoreThatAPredecessorStillHoldsIsTriedAgainEverLater() throws Exception {
        Opening<AutoCloseable> opening = opening(9, failure(Code.STORE));
        opening.begin();
        assertTrue(opened.await(10, TimeUnit.SECONDS), "it was never opened");
        assertEquals(List.of(1_000L, 2_000L, 4_000L, 8_000L, 16_000L, 32_000L, 60_000L, 60_000L, 60_000L), pauses);
        opening.close();
        assertTrue(closed.await(10, TimeUnit.SECONDS), "it was never closed");
    }

    @Test
    void whatWillNeverBeIsToldAtOnce() {
        Opening<AutoCloseable> opening = opening(1, failure(Code.NATIVE_MISSING));
        assertThrows(ThalwegException.class, opening::begin);
        assertEquals(1, tries.get());
    }
}
