package io.thalweg.flink.place;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.thalweg.shell.Place;
import java.util.Collections;
import java.util.Map;
import org.apache.flink.runtime.jobgraph.JobVertexID;
import org.junit.jupiter.api.Test;

class StalenessTest {
    private static final JobVertexID SPLIT = new JobVertexID();

    private final Staleness staleness = new Staleness();

    private static DesiredPlacement desired(int subtasks) {
        return new DesiredPlacement(Map.of(SPLIT, Collections.nCopies(subtasks, new Place("n1", 0))), Map.of());
    }

    @Test
    void aPlacementIsStaleOnceItsUserAsksForFewer() {
        staleness.bounds(Map.of(SPLIT, 1));
        staleness.begin(desired(4));
        assertFalse(staleness.isStale(), "its own bounds have still to come");
        staleness.bounds(Map.of(SPLIT, 4));
        assertFalse(staleness.isStale());
        staleness.bounds(Map.of(SPLIT, 1));
        assertTrue(staleness.isStale());
    }

    @Test
    void fewerSubtasksThanAllowedAreNoMistake() {
        staleness.bounds(Map.of(SPLIT, 4));
        staleness.begin(desired(2));
        assertFalse(staleness.isStale());
    }

    @Test
    void aPlacementThatIsGoneBackToMustFitWhatIsAskedForByThen() {
        staleness.bounds(Map.of(SPLIT, 1));
        staleness.begin(desired(4));
        staleness.settle();
        assertTrue(staleness.isStale());
        staleness.begin(null);
        staleness.settle();
        assertFalse(staleness.isStale());
    }
}
