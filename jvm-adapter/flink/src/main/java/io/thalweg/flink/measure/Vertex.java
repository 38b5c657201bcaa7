package io.thalweg.flink.measure;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * A step of a job.
 *
 * @param id Flink's own, the same for all runs of the job
 * @param name as users see it, made unique within the job
 * @param firstTask its first key group, counted over all steps of the job
 * @param maxParallelism how many key groups it has
 * @param waiting what waits before it, if it is a source
 * @param slotGroup Flink's id of the slot sharing group, the same for all that share slots; empty where it tells none
 */
public record Vertex(String id, String name, int firstTask, int maxParallelism, List<Input> inputs, List<Task> tasks,
        SourceReader.Waiting waiting, String slotGroup) {
    /** A stream from another step, by index. */
    public record Input(int from, String shipStrategy) { }

    /** Names by vertex id; those that several share get their id behind. */
    public static Map<String, String> uniqueNames(Map<String, String> names) {
        Map<String, Long> shares = names.values().stream().collect(Collectors.groupingBy(n -> n, Collectors.counting()));
        Map<String, String> unique = new HashMap<>();
        names.forEach((id, name) -> unique.put(id, shares.get(name) > 1 ? name + "#" + id : name));
        return unique;
    }

    /** Whether it brings records in. */
    public boolean isSource() {
        return inputs.isEmpty();
    }

    /** Whether some of its subtasks have done all there was to do: their number has to stay as it is. */
    public boolean hasFinished() {
        return tasks.stream().anyMatch(Task::finished);
    }

    /** The first key group of a subtask when there are this many: the larger parts come first. */
    public int firstOf(int subtask, int parallelism) {
        int small = maxParallelism / parallelism;
        return firstTask + subtask * small + Math.min(subtask, maxParallelism % parallelism);
    }
}
