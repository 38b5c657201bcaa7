package io.thalweg.flink.place;

import io.thalweg.shell.Place;
import java.util.List;
import java.util.Map;
import org.apache.flink.runtime.jobgraph.JobVertexID;

/**
 * Where a job's subtasks are wished: N and P by vertex and subtask index.
 *
 * @param places one place per subtask, in the order of their indexes
 */
public record Wish(Map<JobVertexID, List<Place>> places) { }
