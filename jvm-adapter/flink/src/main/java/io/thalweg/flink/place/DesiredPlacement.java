package io.thalweg.flink.place;

import io.thalweg.shell.Place;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.flink.runtime.jobgraph.JobVertexID;

/**
 * Where a job's subtasks are desired, N and P by vertex and subtask index, and in slots of which size.
 *
 * @param places one place per subtask, in the order of their indexes
 * @param managedMib managed memory of the slots of vertices that have a slot sharing group of their own, in MiB; all
 *     others are desired in slots of the usual size
 */
public record DesiredPlacement(Map<JobVertexID, List<Place>> places, Map<JobVertexID, Integer> managedMib) {
    /** The same with the sizes of an earlier desired placement that this one says nothing of. */
    public DesiredPlacement after(DesiredPlacement earlier) {
        if (earlier == null) {
            return this;
        }
        Map<JobVertexID, Integer> sizes = new HashMap<>(earlier.managedMib);
        sizes.putAll(managedMib);
        return new DesiredPlacement(places, Map.copyOf(sizes));
    }

    /** The TaskManagers that it names. */
    public Set<String> nodes() {
        Set<String> nodes = new HashSet<>();
        places.values().forEach(rows -> rows.forEach(place -> nodes.add(place.node())));
        return nodes;
    }
}
