package io.thalweg.flink.measure;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.thalweg.flink.measure.Task.Totals;
import java.util.Set;
import org.junit.jupiter.api.Test;

class FinishedTest {
    private final Finished finished = new Finished();

    @Test
    void aSubtaskThatHasFinishedIsIdleFromThenOn() {
        Totals last = new Totals(0, 50, 100, 20, 880);
        assertEquals(last, finished.at("a", last, 10_000));
        assertEquals(new Totals(0, 50, 100, 20, 2880), finished.at("a", last, 12_000));
        finished.keep(Set.of());
        assertEquals(last, finished.at("a", last, 20_000));
    }

    @Test
    void oneWhoseTimesAreNotKeptIsIdleToo() {
        Totals lost = new Totals(0, 50, Double.NaN, 0, 0);
        finished.at("a", lost, 10_000);
        assertEquals(new Totals(0, 0, 0, 0, 3000), finished.at("a", lost, 13_000));
    }
}
