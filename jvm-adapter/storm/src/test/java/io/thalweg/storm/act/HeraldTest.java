package io.thalweg.storm.act;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.apache.storm.generated.Assignment;
import org.apache.storm.thrift.TException;
import org.junit.jupiter.api.Test;

class HeraldTest {
    private static final Assignment VIEW = FakeNimbus.at("n", 9);

    private final FakeNimbus nimbus = new FakeNimbus("n", "m");
    private final Herald herald = new Herald(nimbus, "n", nimbus.supervisor("n"));

    @Test
    void onlyTheActingTopologyDiffersFromWhatNimbusHolds() throws Exception {
        nimbus.change("acting", FakeNimbus.at("n", 1));
        nimbus.change("other", FakeNimbus.at("n", 2));
        nimbus.change("elsewhere", FakeNimbus.at("m", 2));
        assertEquals(Optional.empty(), herald.tell("acting", VIEW, () -> false));
        assertEquals(Map.of("acting", VIEW, "other", FakeNimbus.at("n", 2)), nimbus.holds("n"));
    }

    @Test
    void whatChangesWhileAMessageIsUnderWayIsInTheNextOne() throws Exception {
        nimbus.change("acting", FakeNimbus.at("n", 1));
        nimbus.change("killed", FakeNimbus.at("n", 2));
        int[] calls = {0};
        nimbus.beforeEachCall(() -> {
            // Nimbus has answered by then, and our message comes behind its own.
            if (++calls[0] == 2) {
                nimbus.change("killed", null);
                nimbus.change("submitted", FakeNimbus.at("n", 3));
            }
        });
        herald.tell("acting", VIEW, () -> false);
        assertEquals(Map.of("acting", VIEW, "submitted", FakeNimbus.at("n", 3)), nimbus.holds("n"));
    }

    @Test
    void aTopologyThatIsGoneIsNotKeptAlive() throws Exception {
        nimbus.change("other", FakeNimbus.at("n", 2));
        assertTrue(herald.tell("acting", VIEW, () -> false).isPresent());
        assertEquals(nimbus.truth("n"), nimbus.holds("n"));

        nimbus.change("acting", FakeNimbus.at("m", 1));
        assertEquals(Optional.empty(), herald.tell("acting", VIEW, () -> nimbus.of("m").containsKey("acting")));
        assertEquals(VIEW, nimbus.holds("n").get("acting"));
    }

    @Test
    void aSlotThatIsAnothersIsNotToldTwice() throws Exception {
        nimbus.change("acting", FakeNimbus.at("n", 1));
        nimbus.change("other", FakeNimbus.at("n", 9));
        String why = herald.tell("acting", VIEW, () -> true).orElseThrow();
        assertTrue(why.contains("other"), why);
        assertEquals(nimbus.truth("n"), nimbus.holds("n"));
        nimbus.messages().forEach(message -> assertFalse(VIEW.equals(message.content().get("acting"))));
    }

    @Test
    void nothingIsSentWhileNobodyTellsWhatElseRuns() {
        nimbus.leads(false);
        assertThrows(TException.class, () -> herald.tell("acting", VIEW, () -> true));
        assertThrows(TException.class, herald::tell);
        assertEquals(List.of(), nimbus.messages());
    }

    /** Topologies come and go at any moment, and afterwards the supervisor holds what Nimbus does. */
    @Test
    void everyMessageHoldsTheLastAnswerAndNothingStaysUndone() throws Exception {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        for (int round = 0; round < 2000; round++) {
            FakeNimbus some = new FakeNimbus("n", "m");
            some.change("acting", FakeNimbus.at("n", 1));
            int most = random.nextInt(8);
            int[] changes = {0};
            some.beforeEachCall(() -> {
                if (changes[0] < most && random.nextInt(3) == 0) {
                    changes[0]++;
                    int which = random.nextInt(4);
                    some.change("t" + which, random.nextBoolean() ? null : FakeNimbus.at(random.nextBoolean() ? "n" : "m", 2 + which));
                }
            });
            Herald one = new Herald(some, "n", some.supervisor("n"));
            String seen = "seed " + seed + ", round " + round;
            for (int i = random.nextInt(4); i >= 0; i--) {
                int strategy = random.nextInt(4);
                if (strategy > 1) {
                    one.tell("acting", VIEW, () -> true);
                } else if (strategy == 1) {
                    one.tellInPassing("acting", VIEW, () -> true);
                    if (!one.settled("acting")) {
                        one.tell("acting", VIEW, () -> true);
                    }
                } else {
                    one.tell();
                }
            }
            for (FakeNimbus.Message message : some.messages()) {
                Map<String, Assignment> told = new HashMap<>(message.content());
                if (VIEW.equals(told.get("acting"))) {
                    told.put("acting", FakeNimbus.at("n", 1));
                }
                assertEquals(message.asked(), told, seen);
            }
            if (changes[0] < 5) {
                Map<String, Assignment> left = new HashMap<>(some.holds("n"));
                Map<String, Assignment> truth = some.truth("n");
                left.remove("acting");
                truth.remove("acting");
                assertEquals(truth, left, seen);
            }
        }
    }
}
