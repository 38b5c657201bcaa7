package io.thalweg.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import org.junit.jupiter.api.Test;

class SettingsTest {
    @Test
    void textsOfFlinkBecomeNumbersFlagsAndLists() {
        assertTrue(Settings.typed("3").isInt());
        assertTrue(Settings.typed("0.5").isDouble());
        assertTrue(Settings.typed("true").isBoolean());
        assertTrue(Settings.typed("[\"a\"]").isArray());
        for (String text : new String[] {"act", "/var/lib", "redis://h:1", "10s", ""}) {
            assertEquals(text, Settings.typed(text).asText());
            assertTrue(Settings.typed(text).isTextual());
        }
    }

    @Test
    void whatIsSetWinsOverWhatSuitsFlink() {
        Settings settings = Settings.of(Map.of("thalweg.monitor.interval.secs", "4", "thalweg.flink.level", "1",
                "rest.address", "h", "rest.port", "1234", "io.tmp.dirs", "/t1,/t2", "parallelism.default", "3"));
        assertEquals(4000, settings.monitorIntervalMillis());
        assertEquals(1, settings.level());
        assertEquals("http://h:1234", settings.restUrl());
        assertTrue(settings.forEngine().contains("\"thalweg.monitor.interval.secs\":4"));
        assertTrue(settings.forEngine().contains("\"thalweg.placement.slots\":\"engine\""));
        assertTrue(settings.forEngine().contains("\"thalweg.store.dir\":\"/t1/thalweg\""));
        assertTrue(!settings.forEngine().contains("parallelism.default"));
    }
}
