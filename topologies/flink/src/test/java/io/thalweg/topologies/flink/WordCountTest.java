package io.thalweg.topologies.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.thalweg.topologies.Pause;
import io.thalweg.topologies.Work;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.flink.api.common.functions.util.ListCollector;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.junit.jupiter.api.Test;

class WordCountTest {
    @Test
    void aLineIsCutIntoItsWordsWithoutTheSequenceNumber() {
        List<String> words = new ArrayList<>();
        new Split(new Work(0), Pause.ofMillis(0)).flatMap("17 to be or not", new ListCollector<>(words));
        assertEquals(List.of("to", "be", "or", "not"), words);
    }

    @Test
    void eachStepIsAVertexWithItsOwnParallelism() {
        Settings settings = Settings.parse("split=2", "count=3", "rate=10", "execution.checkpointing.interval=2s");
        assertEquals(Map.of("execution.checkpointing.interval", "2s"), settings.configuration());
        var environment = StreamExecutionEnvironment.getExecutionEnvironment();
        WordCount.build(environment, settings);
        Map<String, Integer> parallelisms = new HashMap<>();
        for (var vertex : environment.getStreamGraph().getJobGraph().getVertices()) {
            parallelisms.put(vertex.getName().replaceAll("^Source: ", ""), vertex.getParallelism());
            assertEquals(128, vertex.getMaxParallelism());
        }
        assertEquals(Map.of("source", 1, "split", 2, "count", 3), parallelisms);
    }

    @Test
    void aReplayHasEachTripAsOftenAsAskedFor() throws Exception {
        Replay replay = new Replay(1e12, 3);
        assertEquals(3 * 73_908, replay.count());
        assertEquals(replay.map(3L), replay.map(5L));
        assertTrue(replay.map(3L).startsWith("1,"), replay.map(3L));
    }

    @Test
    void generatedLinesAreTheSameOnEveryRun() {
        String line = new Lines().map(3L);
        assertTrue(line.matches("3( w[0-9]+){7}"), line);
        assertEquals(line, new Lines().map(3L));
    }

    @Test
    void whatIsUnknownOrNoNumberIsRefused() {
        assertThrows(IllegalArgumentException.class, () -> Settings.parse("splits=2"));
        assertThrows(IllegalArgumentException.class, () -> Settings.parse("split=two"));
        assertThrows(IllegalArgumentException.class, () -> Settings.parse("split"));
    }
}
