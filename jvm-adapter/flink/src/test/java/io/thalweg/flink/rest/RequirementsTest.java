package io.thalweg.flink.rest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.thalweg.flink.rest.Requirements.Announcement;
import io.thalweg.flink.rest.Requirements.BeyondUser;
import io.thalweg.flink.rest.Requirements.Channel;
import io.thalweg.flink.rest.Requirements.Range;
import io.thalweg.shell.StepFailed;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.ObjectMapper;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.node.ObjectNode;
import org.junit.jupiter.api.Test;

/** Bounds that a user sets hold, and ours are not taken for theirs. */
class RequirementsTest {
    private final ObjectMapper json = new ObjectMapper();
    private final Map<String, Range> flink = new TreeMap<>();
    private JsonNode kept;
    private Requirements requirements = new Requirements(null, () -> null, all -> kept = all);

    /** Flink as it keeps bounds, whoever asks for them. */
    private final Channel channel = new Channel() {
        @Override
        public JsonNode read() {
            ObjectNode all = json.createObjectNode();
            flink.forEach((vertex, range) -> all.putObject(vertex).putObject("parallelism")
                    .put("lowerBound", range.lower()).put("upperBound", range.upper()));
            return all;
        }

        @Override
        public void write(JsonNode bounds) {
            flink.clear();
            bounds.fieldNames().forEachRemaining(vertex -> {
                JsonNode range = bounds.path(vertex).path("parallelism");
                flink.put(vertex, new Range(range.path("lowerBound").asInt(), range.path("upperBound").asInt()));
            });
        }
    };

    /** Returns what held before. */
    private Map<String, Range> ask(String vertex, int count) throws Exception {
        Map<String, Range> held = new TreeMap<>();
        requirements.ask("job", Map.of(vertex, count), channel, held::putAll);
        return held;
    }

    private void submitted() {
        flink.putAll(Map.of("split", new Range(1, 1), "count", new Range(1, 2)));
        requirements.submitted("job", Map.of("split", 1, "count", 2), true);
    }

    @Test
    void whatAJobWasSubmittedWithAndWhatWeAskedForMayBeExceeded() throws Exception {
        submitted();
        ask("split", 4);
        assertEquals(Map.of("split", new Range(1, 4), "count", new Range(1, 2)), flink);
        ask("split", 7);
        ask("count", 3);
        assertEquals(Map.of("split", new Range(1, 7), "count", new Range(1, 3)), flink);
    }

    @Test
    void theUsersBoundsHoldEvenWhereTheyAreThoseOfTheSubmission() throws Exception {
        submitted();
        ask("split", 4);
        flink.put("split", new Range(1, 1));
        for (int look = 0; look < 3; look++) {
            assertThrows(BeyondUser.class, () -> ask("split", 7), "look " + look);
        }
        assertEquals(new Range(1, 1), flink.get("split"));
        flink.put("split", new Range(1, 2));
        ask("split", 2);
        assertThrows(BeyondUser.class, () -> ask("split", 3));
    }

    @Test
    void aPlanForOneVertexLeavesTheBoundsOfOthersAsTheyAreNow() throws Exception {
        submitted();
        ask("split", 2);
        flink.put("count", new Range(3, 3));
        flink.put("late", new Range(6, 20));
        ask("split", 3);
        assertEquals(Map.of("split", new Range(1, 3), "count", new Range(3, 3), "late", new Range(6, 20)), flink);
    }

    @Test
    void withinTheUsersBoundsTheirLowerOneStaysAndTheirUpperOneIsRemembered() throws Exception {
        submitted();
        flink.put("split", new Range(6, 20));
        ask("split", 8);
        assertEquals(new Range(6, 8), flink.get("split"));
        ask("split", 20);
        assertEquals(new Range(6, 20), flink.get("split"));
        assertThrows(BeyondUser.class, () -> ask("split", 5));
        assertThrows(BeyondUser.class, () -> ask("split", 21));
    }

    @Test
    void whatIsTakenBackIsOnlyWhatWasAskedForHere() throws Exception {
        submitted();
        Map<String, Range> before = ask("split", 4);
        requirements.undo("job", before, channel);
        assertEquals(new Range(1, 1), flink.get("split"));
        ask("split", 3);
        before = ask("split", 4);
        flink.put("split", new Range(2, 2));
        flink.put("count", new Range(5, 5));
        requirements.undo("job", before, channel);
        assertEquals(Map.of("split", new Range(2, 2), "count", new Range(5, 5)), flink);
    }

    @Test
    void aSuccessorTellsTheUsersBoundsFromOurs() throws Exception {
        submitted();
        ask("split", 4);
        flink.put("count", new Range(2, 2));
        ask("split", 5);
        JsonNode last = json.readTree(kept.toString());
        requirements = new Requirements(null, () -> last, all -> kept = all);
        requirements.submitted("job", Map.of("split", 1, "count", 2), false);
        ask("split", 6);
        assertThrows(BeyondUser.class, () -> ask("count", 3));
    }

    @Test
    void whoLeadsAgainTellsThemTooFromThoseOfWhoLedMeanwhile() throws Exception {
        submitted();
        ask("split", 4);
        JsonNode before = json.readTree(kept.toString());
        Requirements other = new Requirements(null, () -> before, all -> kept = all);
        other.ask("job", Map.of("split", 5), channel, Announcement.NONE);
        JsonNode last = json.readTree(kept.toString());
        List<JsonNode> stored = new ArrayList<>(List.of(before));
        requirements = new Requirements(null, () -> stored.get(0), all -> kept = all);
        stored.set(0, last);
        requirements.recall();
        ask("split", 6);
        assertEquals(new Range(1, 6), flink.get("split"));
    }

    @Test
    void aSuccessorOfOneThatDiedWhileItAskedTellsThemTooAndTakesThemBack() throws Exception {
        for (boolean arrived : List.of(true, false)) {
            flink.clear();
            submitted();
            ask("split", 2);
            Map<String, Range> before = new TreeMap<>();
            Channel dying = new Channel() {
                @Override
                public JsonNode read() throws IOException, InterruptedException {
                    return channel.read();
                }

                @Override
                public void write(JsonNode bounds) throws IOException, InterruptedException {
                    if (arrived) {
                        channel.write(bounds);
                    }
                    throw new IOException("for a test");
                }
            };
            assertThrows(IOException.class,
                    () -> requirements.ask("job", Map.of("split", 4), dying, before::putAll));
            JsonNode last = json.readTree(kept.toString());
            requirements = new Requirements(null, () -> last, all -> kept = all);
            requirements.submitted("job", Map.of("split", 1, "count", 2), false);
            requirements.undo("job", before, channel);
            assertEquals(new Range(1, 2), flink.get("split"), "arrived: " + arrived);
            ask("split", 7);
            assertEquals(new Range(1, 7), flink.get("split"), "they are no user's");
        }
    }

    @Test
    void whatIsAboutToChangeIsToldBeforeItDoes() throws Exception {
        submitted();
        assertThrows(StepFailed.class, () -> requirements.ask("job", Map.of("split", 4), channel, before -> {
            assertEquals(Map.of("split", new Range(1, 1)), before);
            throw new StepFailed(StepFailed.Code.LEADERSHIP_LOST, "for a test");
        }));
        assertEquals(new Range(1, 1), flink.get("split"));
    }

    @Test
    void whereNothingIsRememberedWhatDiffersFromTheSubmissionIsTheUsers() throws Exception {
        flink.putAll(Map.of("split", new Range(1, 4), "count", new Range(1, 2)));
        requirements.submitted("job", Map.of("split", 1, "count", 2), false);
        assertThrows(BeyondUser.class, () -> ask("split", 5));
        ask("count", 3);
    }

    @Test
    void aJobThatBeginsAnewUnderTheSameIdIsANewOne() throws Exception {
        submitted();
        ask("split", 4);
        submitted();
        ask("split", 3);
        assertEquals(new Range(1, 3), flink.get("split"));
    }

    @Test
    void whatIsKnownOfAJobOutlivesAnHourWithoutIt() throws Exception {
        submitted();
        ask("split", 4);
        requirements.keep(Set.of(), 1_000);
        requirements.keep(Set.of(), 3_600_999);
        requirements.keep(Set.of("job"), 3_601_000);
        requirements.keep(Set.of(), 3_602_000);
        ask("split", 5);
        requirements.keep(Set.of(), 7_202_000);
        assertEquals("{}", kept.toString());
    }

    @Test
    void boundsAreReadAsRestTellsThem() throws Exception {
        try (FakeFlink rest = new FakeFlink().streamingJob("a", "words")) {
            Requirements read = new Requirements(rest.rest(), () -> null, all -> { });
            String vertex = FakeFlink.vertexOf("a");
            assertEquals(Map.of(), read.users("a"));
            rest.on("/jobs/a/resource-requirements",
                    "{\"%s\": {\"parallelism\": {\"lowerBound\": 2, \"upperBound\": 3}}}".formatted(vertex));
            assertEquals(Map.of(vertex, new Range(2, 3)), read.users("a"));
        }
    }
}
