package io.thalweg.topologies.flink.zoo;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Set;
import java.util.TreeSet;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.junit.jupiter.api.Test;

class ZooTest {
    @Test
    void eachMemberIsAJob() {
        for (String kind : Zoo.kinds()) {
            var environment = StreamExecutionEnvironment.getExecutionEnvironment();
            Zoo.build(kind + "-1", environment);
            int vertices = environment.getStreamGraph().getJobGraph().getNumberOfVertices();
            assertTrue(kind.equals("single") ? vertices == 1 : vertices > 2, kind + " has " + vertices);
        }
    }

    @Test
    void groupsShareNoSlots() {
        var environment = StreamExecutionEnvironment.getExecutionEnvironment();
        Zoo.build("groups", environment);
        Set<String> groups = new TreeSet<>();
        for (var vertex : environment.getStreamGraph().getJobGraph().getVertices()) {
            groups.add(String.valueOf(vertex.getSlotSharingGroup().getSlotSharingGroupId()));
        }
        assertEquals(2, groups.size());
    }

    @Test
    void unknownJobsAreRefused() {
        var environment = StreamExecutionEnvironment.getExecutionEnvironment();
        assertThrows(IllegalArgumentException.class, () -> Zoo.build("plane", environment));
    }
}
