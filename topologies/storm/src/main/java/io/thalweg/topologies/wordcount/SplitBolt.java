package io.thalweg.topologies.wordcount;

import io.thalweg.topologies.Pause;
import io.thalweg.topologies.Work;
import java.util.StringTokenizer;
import org.apache.storm.topology.BasicOutputCollector;
import org.apache.storm.topology.OutputFieldsDeclarer;
import org.apache.storm.topology.base.BaseBasicBolt;
import org.apache.storm.tuple.Fields;
import org.apache.storm.tuple.Tuple;
import org.apache.storm.tuple.Values;

/** Cuts a line {@code "<sequence> word word ..."} into its words. */
final class SplitBolt extends BaseBasicBolt {
    private static final long serialVersionUID = 1;

    private final Work work;
    private final Pause pause;

    SplitBolt(Work work, Pause pause) {
        this.work = work;
        this.pause = pause;
    }

    @Override
    public void execute(Tuple line, BasicOutputCollector collector) {
        work.burn();
        pause.take();
        StringTokenizer words = new StringTokenizer(line.getString(0));
        if (words.hasMoreTokens()) {
            words.nextToken(); // the sequence number
        }
        while (words.hasMoreTokens()) {
            collector.emit(new Values(words.nextToken()));
        }
    }

    @Override
    public void declareOutputFields(OutputFieldsDeclarer declarer) {
        declarer.declare(new Fields("word"));
    }
}
