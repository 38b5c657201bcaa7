package io.thalweg.topologies.taxi.storm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.storm.generated.StormTopology;
import org.apache.storm.spout.ISpoutOutputCollector;
import org.apache.storm.spout.SpoutOutputCollector;
import org.junit.jupiter.api.Test;

class TaxiTest {
    @Test
    void demandIsDividedByZone() {
        StormTopology topology = Taxi.topology(Map.of("clean", "2", "demand", "3"));
        assertEquals(Set.of("clean", "demand", "routes", "top"), topology.get_bolts().keySet());
        assertEquals(3, topology.get_bolts().get("demand").get_common().get_parallelism_hint());
        var inputs = topology.get_bolts().get("demand").get_common().get_inputs().values();
        assertTrue(inputs.stream().allMatch(grouping -> grouping.get_fields().equals(List.of("zone"))));
    }

    @Test
    void whatFailsIsSentAgain() {
        List<Object> sent = new ArrayList<>();
        ReplaySpout spout = new ReplaySpout(1e9, 2);
        spout.open(Map.of(), null, new SpoutOutputCollector(new Recorded(sent)));
        spout.nextTuple();
        spout.nextTuple();
        spout.fail(1L);
        spout.nextTuple();
        assertEquals(List.of(0L, 1L, 1L), sent);
    }

    @Test
    void unknownKeysAreRefused() {
        assertThrows(IllegalArgumentException.class, () -> Taxi.main(new String[] {"cleans=1"}));
    }

    private record Recorded(List<Object> sent) implements ISpoutOutputCollector {
        @Override
        public List<Integer> emit(String stream, List<Object> tuple, Object id) {
            sent.add(id);
            return List.of();
        }

        @Override
        public void emitDirect(int task, String stream, List<Object> tuple, Object id) {
            throw new UnsupportedOperationException();
        }

        @Override
        public long getPendingCount() {
            return 0;
        }

        @Override
        public void flush() {
            // nothing is held back
        }

        @Override
        public void reportError(Throwable error) {
            throw new IllegalStateException(error);
        }
    }
}
