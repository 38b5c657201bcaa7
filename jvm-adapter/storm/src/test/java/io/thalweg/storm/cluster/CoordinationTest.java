package io.thalweg.storm.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.apache.storm.Config;
import org.apache.storm.testing.InProcessZookeeper;
import org.apache.storm.utils.Utils;
import org.junit.jupiter.api.Test;

class CoordinationTest {
    @Test
    void beforeAnybodyQueuesOnlyALocalClusterIsLed() throws Exception {
        InProcessZookeeper zookeeper = new InProcessZookeeper();
        try {
            Map<String, Object> conf = conf(zookeeper);
            assertEquals(OptionalLong.empty(), term(conf, "distributed"));
            assertEquals(OptionalLong.of(0), term(conf, "local"));
        } finally {
            zookeeper.close();
        }
    }

    @Test
    void whatIsNotedOutlivesWhoNotedIt() throws Exception {
        InProcessZookeeper zookeeper = new InProcessZookeeper();
        try {
            Map<String, Object> conf = conf(zookeeper);
            try (Coordination first = new Coordination(conf)) {
                assertEquals(0, first.termBase());
                first.keepTermBase(99_745);
                first.write("{}");
            }
            try (Coordination next = new Coordination(conf)) {
                assertEquals(99_745, next.termBase());
                assertEquals(Optional.of("{}"), next.read());
                next.clear();
                assertEquals(99_745, next.termBase());
            }
        } finally {
            zookeeper.close();
        }
    }

    private static Map<String, Object> conf(InProcessZookeeper zookeeper) {
        Map<String, Object> conf = Utils.readDefaultConfig();
        conf.put(Config.STORM_ZOOKEEPER_SERVERS, List.of("localhost"));
        conf.put(Config.STORM_ZOOKEEPER_PORT, zookeeper.getPort());
        return conf;
    }

    private static OptionalLong term(Map<String, Object> conf, String mode) {
        conf.put(Config.STORM_CLUSTER_MODE, mode);
        try (Coordination coordination = new Coordination(conf)) {
            return coordination.term();
        }
    }
}
