package io.thalweg.flink;

import io.thalweg.flink.place.FormerPlaces;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.apache.flink.runtime.jobgraph.JobGraph;
import org.apache.flink.runtime.jobgraph.JobResourceRequirements;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A job that comes back under another JobManager. Older lines of Flink lack what this needs, so no other class has it. */
final class Returning {
    private static final Logger LOG = LoggerFactory.getLogger(Returning.class);

    private Returning() {}

    /** Where a job ran under an earlier JobManager; nothing of one that is new. */
    static Optional<FormerPlaces> places(Thalweg thalweg, JobGraph graph) {
        try {
            Map<String, String> names = new HashMap<>();
            graph.getVertices().forEach(vertex -> names.put(vertex.getID().toHexString(), vertex.getName()));
            Map<String, Integer> most = most(graph);
            return thalweg.table(graph.getJobID()).map(rows -> FormerPlaces.read(rows, names, most));
        } catch (IOException | RuntimeException | LinkageError e) {
            LOG.warn("job {}: where it ran is not known, so Flink places it", graph.getJobID(), e);
            return Optional.empty();
        }
    }

    /** The most subtasks that each vertex of a job may have. */
    private static Map<String, Integer> most(JobGraph graph) throws IOException {
        Map<String, Integer> most = new HashMap<>();
        graph.getVertices().forEach(vertex -> most.put(vertex.getID().toHexString(), vertex.getParallelism()));
        JobResourceRequirements.readFromExecutionPlan(graph).ifPresent(bounds -> bounds.getJobVertexParallelisms().forEach(
                (vertex, range) -> most.put(vertex.toHexString(), range.getParallelism().getUpperBound())));
        return most;
    }
}
