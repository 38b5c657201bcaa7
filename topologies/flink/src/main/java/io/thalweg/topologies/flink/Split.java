package io.thalweg.topologies.flink;

import io.thalweg.topologies.Pause;
import io.thalweg.topologies.Work;
import java.util.StringTokenizer;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichFlatMapFunction;
import org.apache.flink.util.Collector;

/** Cuts a line {@code "<sequence> word word ..."} into its words. */
final class Split extends RichFlatMapFunction<String, String> {
    private static final long serialVersionUID = 1;

    private final Work work;
    private final Pause pause;
    private final int rigid;

    /** @param rigid the only number of subtasks with which it runs, as of steps that cannot be rescaled; 0 for any */
    Split(Work work, Pause pause, int rigid) {
        this.work = work;
        this.pause = pause;
        this.rigid = rigid;
    }

    @Override
    public void open(OpenContext context) {
        int subtasks = getRuntimeContext().getTaskInfo().getNumberOfParallelSubtasks();
        if (rigid > 0 && subtasks != rigid) {
            throw new IllegalStateException("it runs with " + rigid + " subtasks only, not with " + subtasks);
        }
    }

    @Override
    public void flatMap(String line, Collector<String> words) {
        work.burn();
        pause.take();
        StringTokenizer tokens = new StringTokenizer(line);
        if (tokens.hasMoreTokens()) {
            tokens.nextToken(); // the sequence number
        }
        while (tokens.hasMoreTokens()) {
            words.collect(tokens.nextToken());
        }
    }
}
