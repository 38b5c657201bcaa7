package io.thalweg.storm;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.Map;
import org.apache.storm.generated.BoltStats;
import org.apache.storm.generated.ExecutorInfo;
import org.apache.storm.generated.ExecutorSpecificStats;
import org.apache.storm.generated.ExecutorStats;
import org.apache.storm.generated.ExecutorSummary;
import org.apache.storm.generated.GlobalStreamId;
import org.apache.storm.generated.SpoutStats;
import org.junit.jupiter.api.Test;

class CountersTest {
    private static final GlobalStreamId LEFT = new GlobalStreamId("left", "default");
    private static final GlobalStreamId RIGHT = new GlobalStreamId("right", "default");

    @Test
    void sumsOfABoltAreCountsTimesMeansOverAllTime() {
        BoltStats bolt = new BoltStats(all(Map.of(LEFT, 90L, RIGHT, 10L)), all(Map.of(LEFT, 5L)), all(Map.of(LEFT, 4.0)),
            all(Map.of(LEFT, 100L, RIGHT, 20L)), all(Map.of(LEFT, 2.0, RIGHT, 5.0)));
        Counters counters = Counters.of(summary(ExecutorSpecificStats.bolt(bolt)));
        assertEquals(new Counters(42, 120, 300.0, 100, 360.0, 5, 7, 9, 0, 0), counters);
    }

    @Test
    void ticksAreWorkAndNoTuples() {
        GlobalStreamId tick = new GlobalStreamId("__system", "__tick");
        BoltStats bolt = new BoltStats(all(Map.of(LEFT, 10L, tick, 60L)), all(Map.of()), all(Map.of(LEFT, 4.0, tick, 9.0)),
            all(Map.of(LEFT, 10L, tick, 60L)), all(Map.of(LEFT, 2.0, tick, 8.0)));
        Counters counters = Counters.of(summary(ExecutorSpecificStats.bolt(bolt)));
        assertEquals(new Counters(42, 10, 500.0, 10, 40.0, 0, 7, 9, 0, 0), counters);
    }

    @Test
    void aSpoutCompletesWhatIsAcked() {
        SpoutStats spout = new SpoutStats(all(Map.of("default", 20L)), all(Map.of("default", 3L)), all(Map.of("default", 1.5)));
        Counters counters = Counters.of(summary(ExecutorSpecificStats.spout(spout)));
        assertEquals(new Counters(42, 0, 0, 20, 0, 3, 7, 9, 20, 30.0), counters);
    }

    @Test
    void emittedTuplesAreCountedPerStreamAndNotMadeUpWhereNobodyReported() {
        SpoutStats spout = new SpoutStats(all(Map.of()), all(Map.of()), all(Map.of()));
        ExecutorSummary reported = summary(ExecutorSpecificStats.spout(spout));
        ExecutorSummary silent = new ExecutorSummary(new ExecutorInfo(3, 3), "silent", "h", 6700, 1);
        assertEquals(Map.of("c", Map.of("default", 14L, "__metrics", 198L)),
            Counters.emitted(List.of(reported, reported, silent)));
    }

    private static ExecutorSummary summary(ExecutorSpecificStats specific) {
        ExecutorStats stats = new ExecutorStats(all(Map.of("default", 7L, "__metrics", 99L)),
            all(Map.of("default", 9L, "__ack_init", 99L)), specific, 1.0);
        ExecutorSummary summary = new ExecutorSummary(new ExecutorInfo(1, 2), "c", "h", 6700, 42);
        summary.set_stats(stats);
        return summary;
    }

    private static <K, V> Map<String, Map<K, V>> all(Map<K, V> values) {
        return Map.of("600", Map.of(), ":all-time", values);
    }
}
