package io.thalweg.flink.measure;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.thalweg.flink.rest.FakeFlink;
import java.io.IOException;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.ObjectMapper;
import org.junit.jupiter.api.Test;

class RecoveryTest {
    private static final String EACH_5_SECONDS = "{\"interval\": 5000}";

    private static Recovery of(String settings, String statistics) throws IOException {
        ObjectMapper json = new ObjectMapper();
        return Recovery.of(json.readTree(settings), json.readTree(statistics));
    }

    @Test
    void aJobIsRestoredFromItsLastCheckpointOrTheOneThatItBeganFrom() throws IOException {
        assertEquals(Recovery.POSSIBLE, of(EACH_5_SECONDS, "{\"latest\": {\"completed\": {\"id\": 3}}, \"history\": []}"));
        assertEquals(Recovery.POSSIBLE, of(EACH_5_SECONDS, "{\"latest\": {\"completed\": null, \"restored\": {\"id\": 3}}}"));
    }

    @Test
    void withoutPeriodicCheckpointsItBeginsAnew() throws IOException {
        // What Flink writes for a job whose interval is not set.
        assertEquals(Recovery.OFF, of("{\"interval\": 9223372036854775807}", "{\"latest\": {}, \"history\": []}"));
        assertEquals(Recovery.OFF, of("{\"interval\": -1}", "{\"latest\": {}, \"history\": []}"));
        assertEquals(Recovery.OFF, of("{}", "{\"latest\": {\"completed\": {\"id\": 3}}}"));
    }

    @Test
    void beforeTheFirstCheckpointItBeginsAnew() throws IOException {
        assertEquals(Recovery.NONE_YET, of(EACH_5_SECONDS, "{\"latest\": {\"completed\": null, \"failed\": {\"id\": 1}}}"));
    }

    @Test
    void oneFailureIsAnAccidentAndThreeInARowAreNot() throws IOException {
        String latest = "{\"latest\": {\"completed\": {\"id\": 3}}, \"history\": [";
        String failed = "{\"id\": 4, \"status\": \"FAILED\"}";
        assertEquals(Recovery.POSSIBLE, of(EACH_5_SECONDS, latest + failed + "]}"));
        assertEquals(Recovery.FAILING, of(EACH_5_SECONDS, latest + String.join(",", failed, failed, failed) + "]}"));
        String earlier = "{\"id\": 2, \"status\": \"FAILED\"}";
        assertEquals(Recovery.POSSIBLE, of(EACH_5_SECONDS, latest + String.join(",", earlier, earlier, earlier) + "]}"));
    }

    @Test
    void aJobWhoseCheckpointsAreNotThereTakesNone() throws Exception {
        try (FakeFlink flink = new FakeFlink().streamingJob("a", "words")) {
            assertEquals(Recovery.POSSIBLE, Recovery.read(flink.rest(), "a"));
            flink.off("/jobs/a/checkpoints/config");
            assertEquals(Recovery.OFF, Recovery.read(flink.rest(), "a"));
        }
    }
}
