package io.thalweg.storm.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import org.junit.jupiter.api.Test;

class RoundsTest {
    private final Rounds rounds = new Rounds(10_000);

    @Test
    void theNextRoundFollowsTheMeasuredBeat() {
        rounds.begin(100_000);
        rounds.begin(110_050);
        assertEquals(120_100, rounds.next(111_000));
        assertEquals(130_150, rounds.next(120_100));
    }

    @Test
    void anExtraRoundDoesNotShiftTheBeat() {
        rounds.begin(100_000);
        rounds.begin(110_050);
        rounds.begin(113_000);
        assertEquals(120_100, rounds.next(113_001));
    }

    @Test
    void oneLateRoundDoesNotLengthenThePeriod() {
        rounds.begin(100_000);
        rounds.begin(110_050);
        rounds.begin(124_900);
        assertEquals(134_950, rounds.next(125_000));
    }

    @Test
    void onlyWhoeverRunsRoundsLeads() {
        assertFalse(rounds.leading(1));
        rounds.begin(100_000);
        assertTrue(rounds.leading(129_000));
        assertFalse(rounds.leading(130_001));
    }

    @Test
    void unusableSettingsCountAsAbsent() {
        Settings settings = Settings.of(Map.of("thalweg.monitor.interval.secs", "often", "thalweg.action.method", "magic",
            "thalweg.action.settle.millis", -1));
        assertEquals(10_000, settings.monitorIntervalMillis());
        assertEquals(Settings.Method.AUTO, settings.method());
        assertEquals(1500, settings.settleMillis());
        assertEquals(Settings.Method.MAKE_BEFORE_BREAK, Settings.of(Map.of("thalweg.action.method", "make-before-break")).method());
    }

    @Test
    void theEngineGetsOurKeysAndTheFewOfStorms() {
        String json = Settings.forEngine(Map.of("thalweg.mode", "act", "nimbus.seeds", "x", "nimbus.monitor.freq.secs", 10));
        assertEquals("{\"thalweg.mode\":\"act\",\"storm.local.dir\":null,\"nimbus.monitor.freq.secs\":10,"
            + "\"task.refresh.poll.secs\":null,\"executor.metrics.frequency.secs\":null}", json);
    }
}
