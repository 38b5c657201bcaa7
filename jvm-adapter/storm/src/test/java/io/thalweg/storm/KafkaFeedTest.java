package io.thalweg.storm;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class KafkaFeedTest {
    @Test
    void whereASourceReadsIsTakenOnAndNothingElseOfItsConsumersProperties() {
        String conf = """
            {"config.topics":"lines, more","config.groupid":"words","config.bootstrap.servers":" kafka:9092 ",
             "config.security.protocol":"SASL_SSL","config.sasl.mechanism":"PLAIN","config.sasl.jaas.config":"secret",
             "config.ssl.key.password":"secret","config.max.poll.records":500,"topology.max.spout.pending":100}""";
        assertEquals("{\"bootstrap.servers\":\"kafka:9092\",\"groupid\":\"words\",\"sasl.mechanism\":\"PLAIN\","
            + "\"security.protocol\":\"SASL_SSL\",\"topics\":\"lines, more\"}", KafkaFeed.of(conf));
    }

    @Test
    void whatTellsNothingIsEmpty() {
        for (String conf : new String[] {"", "{}", "{\"topology.tasks\":2}", "{\"config.retries\":3}", "{\"config.topics\":",
            "{\"config.topics\":\" \"}", "{\"config.topics\":[\"a\"]}", "{\"config.topics\":\"" + "x".repeat(5000) + "\"}"}) {
            assertEquals("", KafkaFeed.of(conf), conf);
        }
    }
}
