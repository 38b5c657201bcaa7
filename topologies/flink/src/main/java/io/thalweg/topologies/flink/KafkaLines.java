package io.thalweg.topologies.flink;

import org.apache.flink.api.common.serialization.SimpleStringSchema;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;

/** Lines of a Kafka topic from its start on. */
final class KafkaLines {
    private KafkaLines() {}

    static KafkaSource<String> of(Settings settings) {
        return KafkaSource.<String>builder()
                .setBootstrapServers(settings.bootstrap())
                .setTopics(settings.topic())
                .setGroupId(settings.group())
                .setStartingOffsets(OffsetsInitializer.earliest())
                .setValueOnlyDeserializer(new SimpleStringSchema())
                .build();
    }
}
