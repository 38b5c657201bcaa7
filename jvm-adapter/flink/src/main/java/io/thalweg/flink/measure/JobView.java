package io.thalweg.flink.measure;

import io.thalweg.bridge.SnapshotWriter.Obstacle;
import java.util.List;
import java.util.Optional;

/**
 * A job as it was seen at one instant; its vertices are in the order of their names.
 *
 * @param obstacle what stands against a change of it; null where nothing does
 */
public record JobView(String id, String name, String state, Checkpoint checkpoint, Obstacle obstacle,
        List<Vertex> vertices) {
    /** One of which nothing is known but this. */
    public static JobView bare(String id, String name, String state, Obstacle obstacle) {
        return new JobView(id, name, state, Checkpoint.UNKNOWN, obstacle, List.of());
    }

    /** The same with something that stands against a change of it. */
    public JobView with(Obstacle other) {
        return new JobView(id, name, state, checkpoint, other, vertices);
    }

    /** The vertex of this name. */
    public Optional<Vertex> vertex(String name) {
        return vertices.stream().filter(vertex -> vertex.name().equals(name)).findFirst();
    }
}
