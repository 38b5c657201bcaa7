package io.thalweg.flink.measure;

import java.util.List;
import java.util.Optional;

/** A job as it was seen at one instant; its vertices are in the order of their names. */
public record JobView(String id, String name, String state, Checkpoint checkpoint, List<Vertex> vertices) {
    /** The vertex of this name. */
    public Optional<Vertex> vertex(String name) {
        return vertices.stream().filter(vertex -> vertex.name().equals(name)).findFirst();
    }
}
