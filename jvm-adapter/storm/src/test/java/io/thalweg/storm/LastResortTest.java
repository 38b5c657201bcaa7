package io.thalweg.storm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.thalweg.shell.ClusterNote;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.storm.thrift.TException;
import org.junit.jupiter.api.Test;

class LastResortTest {
    private static final String STOPPED = "{\"plan\": {\"name\": \"words\"}, \"done\": [{\"what\": \"workers_started\"}, {\"what\": \"deactivated\"}]}";

    @Test
    void aStoppedTopologyRunsAgainOnceThisNimbusLeadsAndAnswers() throws Exception {
        Noted note = new Noted(STOPPED);
        AtomicInteger asked = new AtomicInteger();
        List<String> activated = new CopyOnWriteArrayList<>();
        AtomicInteger calls = new AtomicInteger();
        LastResort.Activation activation = topology -> {
            if (calls.getAndIncrement() == 0) {
                throw new TException("not yet");
            }
            activated.add(topology);
        };
        try (LastResort resort = new LastResort(
                () -> asked.getAndIncrement() == 0 ? OptionalLong.empty() : OptionalLong.of(1), note, activation)) {
            resort.start();
            assertTrue(note.cleared.await(20, TimeUnit.SECONDS), "the note is gone in the end");
        }
        assertEquals(List.of("words"), activated);
        assertEquals(2, calls.get());
    }

    private static final class Noted implements ClusterNote {
        private final CountDownLatch cleared = new CountDownLatch(1);
        private final String text;

        Noted(String text) {
            this.text = text;
        }

        @Override
        public Optional<String> read() {
            return Optional.of(text);
        }

        @Override
        public void write(String json) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void clear() {
            cleared.countDown();
        }
    }
}
