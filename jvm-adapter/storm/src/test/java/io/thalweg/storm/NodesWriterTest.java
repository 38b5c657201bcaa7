package io.thalweg.storm;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.thalweg.bridge.SnapshotWriter;
import io.thalweg.storm.cluster.NodeFacts;
import java.util.List;
import java.util.Map;
import org.apache.storm.scheduler.WorkerSlot;
import org.junit.jupiter.api.Test;

class NodesWriterTest {
    @Test
    void whereTwoNodesAnswerToOneNameNobodyKnowsWhichIsMeant() {
        SnapshotWriter writer = new SnapshotWriter();
        writer.begin(1);
        NodesWriter slots = new NodesWriter(writer, Map.of("a", node("a", 6700, 6701), "b", node("b", 6701, 6702), "c", node("c", 6701)),
            id -> Double.NaN);
        assertEquals(new WorkerSlot("a", 6700), slots.slot(slots.index("localhost", 6700)));
        assertEquals(new WorkerSlot("b", 6702), slots.slot(slots.index("localhost", 6702)));
        assertEquals(SnapshotWriter.NO_SLOT, slots.index("localhost", 6701));
    }

    private static NodeFacts node(String id, Integer... ports) {
        return new NodeFacts(id, "localhost", "", List.of(ports), 100, 1024, false);
    }
}
