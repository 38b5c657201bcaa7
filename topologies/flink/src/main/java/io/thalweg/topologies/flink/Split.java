package io.thalweg.topologies.flink;

import io.thalweg.topologies.Pause;
import io.thalweg.topologies.Work;
import java.util.StringTokenizer;
import org.apache.flink.api.common.functions.FlatMapFunction;
import org.apache.flink.util.Collector;

/** Cuts a line {@code "<sequence> word word ..."} into its words. */
final class Split implements FlatMapFunction<String, String> {
    private static final long serialVersionUID = 1;

    private final Work work;
    private final Pause pause;

    Split(Work work, Pause pause) {
        this.work = work;
        this.pause = pause;
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
