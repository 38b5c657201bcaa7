package io.thalweg.topologies.wordcount;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.thalweg.topologies.Work;
import java.util.Map;
import org.junit.jupiter.api.Test;

class WordCountTest {
    @Test
    void keysWithADotGoIntoTheConfigurationWithTheirTypes() {
        Settings settings = Settings.parse("name=a", "topology.debug=true", "topology.stats.sample.rate=0.5",
                "topology.priority=7", "topology.worker.childopts=-Xmx64m",
                "topology.ras.constraints={\"split\": {\"maxNodeCoLocationCnt\": 1}}");
        var configuration = WordCount.configuration(settings);
        assertEquals(true, configuration.get("topology.debug"));
        assertEquals(0.5, configuration.get("topology.stats.sample.rate"));
        assertEquals(7L, configuration.get("topology.priority"));
        assertEquals("-Xmx64m", configuration.get("topology.worker.childopts"));
        assertEquals(Map.of("split", Map.of("maxNodeCoLocationCnt", 1)), configuration.get("topology.ras.constraints"));
    }

    @Test
    void tasksAreLeftUnsetUnlessGiven() {
        var open = WordCount.topology(Settings.parse("split=2"));
        assertFalse(String.valueOf(open.get_bolts().get("split").get_common().get_json_conf()).contains("topology.tasks"));
        var fixed = WordCount.topology(Settings.parse("split=2", "splitTasks=8"));
        assertTrue(fixed.get_bolts().get("split").get_common().get_json_conf().contains("\"topology.tasks\":8"));
        assertEquals(2, fixed.get_bolts().get("split").get_common().get_parallelism_hint());
    }

    @Test
    void unknownKeysAreRefused() {
        assertThrows(IllegalArgumentException.class, () -> Settings.parse("splits=2"));
        assertThrows(IllegalArgumentException.class, () -> Settings.parse("split"));
        assertThrows(IllegalArgumentException.class, () -> Settings.parse("topology.ras.constraints={split"));
    }

    @Test
    void workIsProportionalToItsCost() {
        assertEquals(2_500, Work.ofMillis(2.5, 1_000).iterations());
        assertTrue(Work.calibrate() > 0);
    }
}
