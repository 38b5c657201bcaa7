package io.thalweg.topologies.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.thalweg.topologies.taxi.Demand;
import io.thalweg.topologies.taxi.Partial;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.java.tuple.Tuple2;
import org.junit.jupiter.api.Test;

/** What of a zone's partials passes. */
class OnceTest {
    private static List<String> passes(int[][] batchesAndSlides) {
        List<String> passed = new ArrayList<>();
        Tuple2<Long, Long> last = null;
        for (int[] one : batchesAndSlides) {
            if (Once.follows(new Partial(one[0], 74, one[1], Demand.NONE), last)) {
                last = Tuple2.of((long) one[0], (long) one[1]);
                passed.add(one[0] + "@" + one[1]);
            }
        }
        return passed;
    }

    @Test
    void whatABatchThatIsDoneAgainSendsTwicePassesOnceAndTheRestOfItTheFirstTime() {
        int[][] came = {{7, 0}, {7, 900}, {7, 0}, {7, 900}, {7, 1_800}, {8, 1_800}, {7, 1_800}, {8, 1_800}, {8, 2_700}};
        assertEquals(List.of("7@0", "7@900", "7@1800", "8@1800", "8@2700"), passes(came));
    }
}
