package io.thalweg.topologies.taxi;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** What the edge sends. */
class PartialTest {
    @Test
    void aLineIsReadAndWhatIsNoneIsNothing() {
        Partial partial = new Partial(7, 74, 1_609_459_200, new Demand(3, 4_500, 1));
        assertEquals(Optional.of(partial), Partial.parse("7,74,1609459200,3,4500,1"));
        for (String other : List.of("", "7,74,1609459200,3,4500", "7,74,x,3,4500,1", "7,74,1609459200,3,4500,1,2")) {
            assertEquals(Optional.empty(), Partial.parse(other), other);
        }
    }
}
