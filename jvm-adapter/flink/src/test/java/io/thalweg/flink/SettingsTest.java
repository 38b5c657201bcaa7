package io.thalweg.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.thalweg.shell.NativeEngine;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.apache.flink.configuration.GlobalConfiguration;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.ObjectMapper;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.node.JsonNodeFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SettingsTest {
    @TempDir
    Path folder;

    @Test
    void withoutAModeTheEngineOnlyObserves() {
        assertEquals("observe", modeWith(Map.of("thalweg.store.dir", folder.resolve("none").toString())));
        assertEquals("act", modeWith(Map.of("thalweg.store.dir", folder.resolve("act").toString(), "thalweg.mode", "act")));
    }

    private static String modeWith(Map<String, String> configuration) {
        return statusWith(configuration).path("mode").asText();
    }

    private static JsonNode statusWith(Map<String, String> configuration) {
        try (NativeEngine engine = new NativeEngine(null, Settings.of(configuration).forEngine())) {
            return engine.command(JsonNodeFactory.instance.objectNode().put("op", "status"), 0);
        }
    }

    @Test
    void textsOfFlinkStayAsTheyWereWrittenAndListsAreRead() {
        assertTrue(Settings.typed("[\"a\"]").isArray());
        for (String text : new String[] {"act", "/var/lib", "redis://h:1", "10s", "", "007", "48151623", "true", "null", "[x"}) {
            assertEquals(text, Settings.typed(text).asText());
            assertTrue(Settings.typed(text).isTextual());
        }
    }

    @Test
    void listsAreReadAsPeopleWriteThemInFlinksYaml() throws IOException {
        String yaml = "thalweg.mode.rules:\n  - \"orders-*=act\"\n  - \"*/move=advise\"\n"
                + "thalweg.scaling.fixed.components: [\"orders-*/sink-*\", audit]\n"
                + "thalweg.store.redis.password: \"[secret]\"\n";
        Files.writeString(folder.resolve("config.yaml"), yaml);
        JsonNode read = new ObjectMapper().readTree(
                Settings.of(GlobalConfiguration.loadConfiguration(folder.toString()).toMap()).forEngine());
        assertEquals("[\"orders-*=act\",\"*/move=advise\"]", read.path("thalweg.mode.rules").toString());
        assertEquals("[\"orders-*/sink-*\",\"audit\"]", read.path("thalweg.scaling.fixed.components").toString());
        assertEquals("\"[secret]\"", read.path("thalweg.store.redis.password").toString());
    }

    @Test
    void numbersAndFlagsAreTakenAsTheTextsThatFlinkHas() {
        JsonNode status = statusWith(Map.of("thalweg.store.dir", folder.resolve("texts").toString(),
                "thalweg.monitor.interval.secs", "4", "thalweg.imbalance.limit", "1.5", "thalweg.action.rollback", "false",
                "thalweg.scaling.priorities", "[\"words=2\"]", "thalweg.store.redis.password", "48151623"));
        assertEquals("[]", status.path("problems").toString());
    }

    @Test
    void whatIsSetWinsOverWhatSuitsFlink() {
        Settings settings = Settings.of(Map.of("thalweg.monitor.interval.secs", "4", "thalweg.flink.level", "1",
                "rest.address", "h", "rest.port", "1234", "io.tmp.dirs", "/t1,/t2", "parallelism.default", "3"));
        assertEquals(4000, settings.monitorIntervalMillis());
        assertEquals(1, settings.level());
        assertEquals("http://h:1234", settings.rest().address().toString());
        assertTrue(settings.forEngine().contains("\"thalweg.monitor.interval.secs\":\"4\""));
        assertTrue(settings.forEngine().contains("\"thalweg.placement.slots\":\"engine\""));
        assertTrue(settings.forEngine().contains("\"thalweg.store.dir\":\"/t1/thalweg\""));
        assertTrue(!settings.forEngine().contains("parallelism.default"));
    }

    @Test
    void onlyAUserSaysThatAJobMayLoseItsState() {
        assertTrue(!Settings.of(Map.of()).mayLoseState("0a", "words"));
        assertTrue(Settings.of(Map.of("thalweg.flink.rescale.without.checkpoints", "true")).mayLoseState("0a", "words"));
        Settings some = Settings.of(Map.of("thalweg.flink.rescale.without.checkpoints.jobs", "[\"words\", \"0b\"]"));
        assertTrue(some.mayLoseState("0a", "words") && some.mayLoseState("0b", "other"));
        assertTrue(!some.mayLoseState("0c", "other"));
    }
}
