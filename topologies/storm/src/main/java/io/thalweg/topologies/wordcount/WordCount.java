package io.thalweg.topologies.wordcount;

import io.thalweg.topologies.KafkaLines;
import io.thalweg.topologies.Pause;
import io.thalweg.topologies.Work;
import org.apache.storm.Config;
import org.apache.storm.StormSubmitter;
import org.apache.storm.generated.StormTopology;
import org.apache.storm.kafka.spout.KafkaSpout;
import org.apache.storm.topology.TopologyBuilder;
import org.apache.storm.tuple.Fields;

/**
 * Counts words read from Kafka: {@code spout -> split (shuffle) -> count (by word)}, at least once.
 *
 * <p>Arguments are {@code key=value} pairs, see {@link Settings}. A key with a dot goes into the topology's configuration.
 */
public final class WordCount {
    private WordCount() {}

    /** Submits the topology to the cluster that Storm's configuration on the class path names. */
    public static void main(String[] arguments) throws Exception {
        Settings settings = Settings.parse(arguments);
        StormSubmitter.submitTopology(settings.name(), configuration(settings), topology(settings));
    }

    static StormTopology topology(Settings settings) {
        Work splitWork = Work.ofMillis(settings.splitCost(), settings.iterationsPerMilli());
        Work countWork = Work.ofMillis(settings.countCost(), settings.iterationsPerMilli());
        TopologyBuilder builder = new TopologyBuilder();
        builder.setSpout("spout", spout(settings), settings.spouts());
        var split = builder.setBolt(
                "split", new SplitBolt(splitWork, Pause.ofMillis(settings.splitWait())), settings.split());
        split.shuffleGrouping("spout");
        settings.splitTasks().ifPresent(split::setNumTasks);
        var count = builder.setBolt("count", new CountBolt(countWork, settings.out().orElse(null)), settings.count());
        count.fieldsGrouping("split", new Fields("word"));
        settings.countTasks().ifPresent(count::setNumTasks);
        return builder.createTopology();
    }

    static Config configuration(Settings settings) {
        Config config = new Config();
        config.setNumWorkers(settings.workers());
        config.setNumAckers(settings.ackers());
        config.setMaxSpoutPending(settings.pending());
        config.setMessageTimeoutSecs(settings.timeoutSecs());
        // Load-aware shuffle prefers executors in the sender's worker and would hide what added executors bring.
        config.put(Config.TOPOLOGY_DISABLE_LOADAWARE_MESSAGING, true);
        config.putAll(settings.configuration());
        return config;
    }

    private static KafkaSpout<String, String> spout(Settings settings) {
        var config = KafkaLines.of(settings.bootstrap(), settings.topic(), settings.group());
        settings.out().ifPresent(out -> config.setTupleListener(new SpoutJournal(out)));
        return new KafkaSpout<>(config.build());
    }
}
