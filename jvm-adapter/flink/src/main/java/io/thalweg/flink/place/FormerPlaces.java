package io.thalweg.flink.place;

import io.thalweg.flink.measure.Vertex;
import io.thalweg.shell.Place;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.runtime.jobgraph.JobVertexID;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;

/**
 * Where a job ran under another JobManager, by its stored routing table, as far as that still fits the job.
 *
 * @param desired the places by vertex; none of those of which a row does not fit
 * @param dropped what does not fit, for people
 */
public record FormerPlaces(DesiredPlacement desired, List<String> dropped) {
    /**
     * Reads a table.
     *
     * @param rows as the engine answers
     * @param names of the job's vertices by id, as REST tells them
     * @param most the most subtasks that each vertex may have now, by id
     */
    public static FormerPlaces read(JsonNode rows, Map<String, String> names, Map<String, Integer> most) {
        Map<String, TreeMap<Integer, Place>> byName = new TreeMap<>();
        for (JsonNode row : rows) {
            byName.computeIfAbsent(row.path("component").asText(), name -> new TreeMap<>())
                    .put(row.path("first").asInt(), new Place(row.path("node").asText(), row.path("port").asInt()));
        }
        Map<JobVertexID, List<Place>> places = new HashMap<>();
        List<String> dropped = new ArrayList<>();
        Vertex.uniqueNames(names).forEach((id, name) -> {
            TreeMap<Integer, Place> former = byName.remove(name);
            int allowed = most.getOrDefault(id, 0);
            if (former != null && former.size() > allowed) {
                dropped.add("all rows of vertex " + id + ": there were " + former.size() + " subtasks, and now " + allowed
                        + " at most");
            } else if (former != null) {
                places.put(JobVertexID.fromHexString(id), List.copyOf(former.values()));
            }
        });
        byName.keySet().forEach(name -> dropped.add("all rows of " + name + ": the job has no such vertex"));
        return new FormerPlaces(new DesiredPlacement(Map.copyOf(places), Map.of()), List.copyOf(dropped));
    }
}
