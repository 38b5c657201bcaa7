package io.thalweg.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.thalweg.flink.measure.NodeView;
import io.thalweg.flink.place.FormerPlaces;
import io.thalweg.flink.place.DesiredPlacement;
import io.thalweg.shell.Place;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.flink.runtime.jobgraph.JobVertexID;
import org.junit.jupiter.api.Test;

/** Which slots jobs that come back ask for, and when. */
class RestorerTest {
    private final List<String> done = new ArrayList<>();
    private final Comer first = new Comer("first");
    private final Comer second = new Comer("second");
    private final List<PlacedJob> jobs = new ArrayList<>(List.of(first, second));
    private double pin;
    private boolean answers = true;
    private final Restorer restorer = new Restorer(() -> {
        if (!answers) {
            throw new IOException("for a test");
        }
        return List.of(new NodeView("n1", "h1", 4, 2, 100, 1024, Double.NaN, pin),
                new NodeView("n2", "h2", 4, 4, 100, 1024, Double.NaN, pin));
    });

    private void look() throws Exception {
        done.clear();
        restorer.look(jobs);
    }

    @Test
    void nothingIsAskedForUntilTheJobCouldStart() throws Exception {
        look();
        assertEquals(List.of(), done);
    }

    @Test
    void allFreeSlotsAreAskedForByOneJobAtATime() throws Exception {
        second.couldStart();
        look();
        // It holds two slots, and needs two of two TaskManagers; six are free.
        assertEquals(List.of("second may start", "second asks for 6 more"), done);
        first.couldStart();
        look();
        assertEquals(List.of("first may start", "second may start", "second asks for 6 more"), done);
        second.started();
        look();
        assertEquals(List.of("second gives back", "first may start", "first asks for 6 more"), done);
        first.ended = true;
        look();
        assertEquals(List.of("first gives back"), done);
        assertEquals(List.of(), jobs);
    }

    @Test
    void whereTheyHaveNamesTheyAreAskedForByName() throws Exception {
        pin = 1;
        first.couldStart();
        look();
        assertEquals(List.of("first may start", "first asks for [n2]"), done);
    }

    @Test
    void aJobThatGetsItsSlotsByItselfAsksForNone() throws Exception {
        first.started();
        look();
        assertEquals(List.of(), done);
        assertEquals(List.of(second), jobs);
    }

    @Test
    void whileRestDoesNotAnswerTheJobIsNotHeldBackForEver() throws Exception {
        answers = false;
        first.couldStart();
        try {
            look();
        } catch (IOException e) {
            // the next look tries again
        }
        assertEquals(List.of("first may start"), done);
    }

    /** A job that comes back with two subtasks on n2. */
    private final class Comer extends QuietJob {
        private final String name;
        private int deployments;
        private boolean ended;

        Comer(String name) {
            super(name);
            this.name = name;
            List<Place> places = List.of(new Place("n2", 0), new Place("n2", 1));
            allocator().restore(new FormerPlaces(new DesiredPlacement(Map.of(new JobVertexID(), places), Map.of()), List.of()));
        }

        void couldStart() {
            allocator().restoration().holdsBack(false, 0);
        }

        void started() {
            allocator().restoration().holdsBack(true, 0);
            deployments++;
        }

        @Override
        public int deployments() {
            return deployments;
        }

        @Override
        public void askFor(int extra) {
            done.add(name + " asks for " + extra + " more");
        }

        @Override
        public void desire(DesiredPlacement desired, Map<String, Double> pins) {
            done.add(name + " asks for " + new ArrayList<>(desired.nodes()));
        }

        @Override
        public int heldSlots() {
            return 2;
        }

        @Override
        public boolean hasEnded() {
            return ended;
        }

        @Override
        public void startIfPossible() {
            done.add(name + " may start");
        }

        @Override
        public void giveBack() {
            done.add(name + " gives back");
        }
    }
}
