package io.thalweg.topologies.flink;

import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichFlatMapFunction;
import org.apache.flink.util.Collector;

/** Cuts lines with one number of subtasks only, as steps do that cannot be rescaled. */
final class RigidSplit extends RichFlatMapFunction<String, String> {
    private static final long serialVersionUID = 1;

    private final Split split;
    private final int subtasks;

    RigidSplit(Split split, int subtasks) {
        this.split = split;
        this.subtasks = subtasks;
    }

    @Override
    public void open(OpenContext context) {
        int now = getRuntimeContext().getTaskInfo().getNumberOfParallelSubtasks();
        if (now != subtasks) {
            throw new IllegalStateException("it runs with " + subtasks + " subtasks only, not with " + now);
        }
    }

    @Override
    public void flatMap(String line, Collector<String> words) {
        split.flatMap(line, words);
    }
}
