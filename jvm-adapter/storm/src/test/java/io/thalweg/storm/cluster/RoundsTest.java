package io.thalweg.storm.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.storm.scheduler.WorkerSlot;
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
    void aReservationHoldsOnceTheRoundThatDidNotKnowOfItIsOver() {
        WorkerSlot slot = new WorkerSlot("n", 1);
        assertEquals(Reservation.NONE, rounds.begin(100_000));
        rounds.reserve("t", Set.of(slot));
        assertFalse(rounds.reservationHolds());
        rounds.end(Set.of(slot));
        assertTrue(rounds.reservationHolds());
        assertEquals(Set.of(slot), rounds.handedOut());

        Reservation next = rounds.begin(110_000);
        assertTrue(rounds.reservationHolds(), "this round knows of it");
        assertTrue(next.allows("t", slot));
        assertFalse(next.allows("u", slot));
        rounds.release();
        assertEquals(Reservation.NONE, rounds.reservation());
    }

    @Test
    void theCoreSeesReservedSlotsOnceTheirTopologyIsToBePlacedThere() {
        Map<String, NodeFacts> nodes = Map.of("n", new NodeFacts("n", "h", "", List.of(1, 2), 100, 100, false));
        rounds.reserve("t", Set.of(new WorkerSlot("n", 1), new WorkerSlot("gone", 1)));
        assertEquals(List.of(2), rounds.reservation().shown(nodes).get("n").ports());
        rounds.reveal();
        assertEquals(nodes, rounds.reservation().shown(nodes));
        assertFalse(rounds.reservation().allows("u", new WorkerSlot("n", 1)));
    }

    @Test
    void aRoundOfAnyKindIsNoticed() {
        assertFalse(rounds.beganWithin(600, 500));
        assertEquals(10_500, rounds.next(500));
        rounds.begin(100_000);
        rounds.begin(103_000);
        assertTrue(rounds.beganWithin(600, 103_600));
        assertFalse(rounds.beganWithin(600, 103_601));
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
            + "\"task.refresh.poll.secs\":null,\"executor.metrics.frequency.secs\":null,\"nimbus.seeds\":\"x\"}", json);
        String pools = Settings.forEngine(Map.of("nimbus.seeds", List.of("one", "two"),
            "isolation.scheduler.machines", Map.of("words", 2), "ui.port", 8080));
        assertTrue(pools.contains("\"nimbus.seeds\":[\"one\",\"two\"],\"isolation.scheduler.machines\":{\"words\":2}"), pools);
        assertFalse(pools.contains("ui.port"), pools);
        String sampled = Settings.forEngine(Map.of("topology.stats.sample.rate", 0.05));
        assertTrue(sampled.contains("\"topology.stats.sample.rate\":0.05"), sampled);
    }
}
