package io.thalweg.storm.act;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.thalweg.shell.Deadline;
import io.thalweg.shell.Place;
import io.thalweg.shell.StepFailed;
import io.thalweg.shell.TaskRange;
import io.thalweg.storm.cluster.Rounds;
import java.util.HashMap;
import java.util.Map;
import java.util.function.BooleanSupplier;
import org.apache.storm.generated.Assignment;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ViewKeeperTest {
    private static final long LIMIT_MILLIS = 10_000;
    private static final Assignment VIEW =
        FakeNimbus.assignment(Map.of(new TaskRange(1, 1), new Place("old", 1), new TaskRange(2, 2), new Place("new", 1)));

    private final FakeNimbus nimbus = new FakeNimbus("old", "new");
    private final SyncClock clock = new SyncClock();
    private ViewKeeper keeper;

    @AfterEach
    void end() {
        if (keeper != null) {
            keeper.close();
        }
    }

    @Test
    void aViewIsKeptWhileOthersComeAndGo() throws Exception {
        hold();
        nimbus.change("killed", FakeNimbus.at("new", 2));
        await("the view again", () -> VIEW.equals(nimbus.holds("new").get("acting")));
        nimbus.change("killed", null);
        nimbus.change("submitted", FakeNimbus.at("new", 3));
        await("the view and what was submitted", () ->
            nimbus.holds("new").equals(Map.of("acting", VIEW, "submitted", FakeNimbus.at("new", 3))));
    }

    /** The times at which supervisors ask are guessed from one that was seen, so it must have been one. */
    @Test
    void aMessageOfNimbusIsNotTakenForASupervisorThatAsks() throws Exception {
        clock.saw("new", System.currentTimeMillis() - 5_000);
        long before = clock.nearest("new", System.currentTimeMillis()).orElseThrow();
        hold();
        nimbus.change("submitted", FakeNimbus.at("new", 3));
        await("the view again", () -> VIEW.equals(nimbus.holds("new").get("acting")));
        assertEquals(0, Math.floorMod(clock.nearest("new", System.currentTimeMillis()).orElseThrow() - before, SyncClock.PERIOD_MILLIS));

        // One that comes before the keeper has seen its view in place is no evidence, so there are more.
        await("a sync to be noted", () -> {
            nimbus.sync("new");
            return Math.floorMod(clock.nearest("new", System.currentTimeMillis()).orElseThrow() - before, SyncClock.PERIOD_MILLIS) != 0;
        });
        await("the view after a sync", () -> VIEW.equals(nimbus.holds("new").get("acting")));
    }

    /** Around the time at which its supervisor asks, a node is told again and again. */
    @Test
    void whatComesAndGoesMeanwhileIsToldWhileViewsAreRepeated() throws Exception {
        clock.saw("new", System.currentTimeMillis());
        hold();
        int before = nimbus.messages().size();
        await("repeated messages", () -> nimbus.messages().size() > before + 5);
        nimbus.change("submitted", FakeNimbus.at("new", 3));
        await("the view and what was submitted", () ->
            nimbus.holds("new").equals(Map.of("acting", VIEW, "submitted", FakeNimbus.at("new", 3))));
        for (FakeNimbus.Message message : nimbus.messages()) {
            Map<String, Assignment> others = new HashMap<>(message.content());
            Map<String, Assignment> asked = new HashMap<>(message.asked());
            others.remove("acting");
            asked.remove("acting");
            assertEquals(asked, others);
        }
    }

    @Test
    void aKilledTopologyIsLeftToNimbusOnEveryNode() throws Exception {
        hold();
        nimbus.change("acting", null);
        await("no node to be told of it", () -> nimbus.holds("old").isEmpty() && nimbus.holds("new").isEmpty() && refused());
        StepFailed failed = assertThrows(StepFailed.class, keeper::check);
        assertTrue(failed.getMessage().contains("gone"), failed.getMessage());
    }

    @Test
    void whatIsGivenToAnotherEndsTheView() throws Exception {
        hold();
        nimbus.change("other", FakeNimbus.at("new", 1));
        await("the other to have the slot", () -> nimbus.holds("new").equals(nimbus.truth("new")) && refused());
    }

    @Test
    void releaseGivesEveryNodeWhatNimbusHolds() throws Exception {
        hold();
        nimbus.change("other", FakeNimbus.at("new", 3));
        keeper.release();
        assertEquals(nimbus.truth("old"), nimbus.holds("old"));
        assertEquals(nimbus.truth("new"), nimbus.holds("new"));
    }

    @Test
    void aSupervisorThatRefusesIsNotAskedWithoutEnd() throws Exception {
        nimbus.change("acting", FakeNimbus.at("old", 1));
        nimbus.supervisor("new").refuses(true);
        keeper = keeper();
        keeper.hold("new", VIEW);
        long begun = System.nanoTime();
        await("some attempts", () -> nimbus.supervisor("new").calls() >= 5);
        long millis = (System.nanoTime() - begun) / 1_000_000;
        assertTrue(millis >= 30 + 60 + 120, "five attempts in " + millis + " ms");
        nimbus.supervisor("new").refuses(false);
        await("the view", () -> VIEW.equals(nimbus.holds("new").get("acting")));
    }

    private void hold() throws Exception {
        nimbus.change("acting", FakeNimbus.at("old", 1));
        keeper = keeper();
        keeper.hold("old", VIEW);
        keeper.hold("new", VIEW);
        keeper.awaitHeld(Deadline.in(LIMIT_MILLIS, () -> { }));
    }

    private ViewKeeper keeper() {
        Slots desired = Slots.of(Map.of(new TaskRange(7, 7), new Place("new", 7)));
        return new ViewKeeper("acting", desired, nimbus, clock, new Rounds(60_000), new HashMap<>(nimbus.supervisors()));
    }

    private boolean refused() {
        try {
            keeper.check();
            return false;
        } catch (StepFailed e) {
            return true;
        }
    }

    private static void await(String what, BooleanSupplier condition) throws Exception {
        Deadline.in(LIMIT_MILLIS, () -> { }).await(what, condition::getAsBoolean);
    }
}
