package io.thalweg.flink.measure;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import org.junit.jupiter.api.Test;

class VertexTest {
    @Test
    void keyGroupsAreDealtOutWithTheLargerPartsFirst() {
        Vertex vertex = new Vertex("id", "name", 100, 10, List.of(), List.of(),
                SourceReader.Waiting.UNKNOWN, "");
        assertEquals(List.of(100, 103, 106, 108, 110),
                List.of(vertex.firstOf(0, 4), vertex.firstOf(1, 4), vertex.firstOf(2, 4), vertex.firstOf(3, 4),
                        vertex.firstOf(4, 4)));
    }
}
