package io.thalweg.flink.place;

import io.thalweg.shell.Place;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.apache.flink.runtime.jobgraph.JobVertexID;

/**
 * Where a job's subtasks are wished: N and P by vertex and subtask index.
 *
 * @param places one place per subtask, in the order of their indexes; a place is null where none is wished
 */
public record Wish(Map<JobVertexID, List<Place>> places) {
    /** The nodes that are wished for. */
    public Set<String> nodes() {
        Set<String> nodes = new TreeSet<>();
        places.values().forEach(all -> all.forEach(place -> nodes.add(place.node())));
        return nodes;
    }
}
