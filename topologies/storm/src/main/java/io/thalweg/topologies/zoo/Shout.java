package io.thalweg.topologies.zoo;

import java.util.Map;
import org.apache.storm.task.ShellBolt;
import org.apache.storm.topology.IRichBolt;
import org.apache.storm.topology.OutputFieldsDeclarer;
import org.apache.storm.tuple.Fields;

/** Words in capitals, by a program in Python. */
final class Shout extends ShellBolt implements IRichBolt {
    private static final long serialVersionUID = 1;

    Shout() {
        super("python3", "shout.py");
    }

    @Override
    public void declareOutputFields(OutputFieldsDeclarer declarer) {
        declarer.declare(new Fields("word", "number"));
    }

    @Override
    public Map<String, Object> getComponentConfiguration() {
        return null;
    }
}
