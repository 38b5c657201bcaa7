package io.thalweg.topologies;

import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.storm.kafka.spout.KafkaSpoutConfig;
import org.apache.storm.tuple.Fields;
import org.apache.storm.tuple.Values;

/** Spouts that read lines from Kafka. */
public final class KafkaLines {
    /** The place of {@code made} in a tuple. */
    public static final int MADE = 1;

    private KafkaLines() {}

    /** A spout of the records of a topic, as tuples of {@code line} and {@code made}, the epoch ms of its record. */
    public static KafkaSpoutConfig.Builder<String, String> of(String bootstrap, String topic, String group) {
        return KafkaSpoutConfig.builder(bootstrap, topic)
                .setProp(ConsumerConfig.GROUP_ID_CONFIG, group)
                // Short, so that committed offsets can serve as the account of what was processed.
                .setOffsetCommitPeriodMs(1_000)
                .setRecordTranslator(line -> new Values(line.value(), line.timestamp()), new Fields("line", "made"));
    }
}
