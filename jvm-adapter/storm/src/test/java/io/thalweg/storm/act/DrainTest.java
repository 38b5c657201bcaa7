package io.thalweg.storm.act;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.thalweg.shell.Deadline;
import io.thalweg.shell.StepFailed;
import io.thalweg.storm.act.Drain.Timing;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntFunction;
import org.apache.storm.generated.BoltStats;
import org.apache.storm.generated.ClusterWorkerHeartbeat;
import org.apache.storm.generated.ExecutorInfo;
import org.apache.storm.generated.ExecutorSpecificStats;
import org.apache.storm.generated.ExecutorStats;
import org.apache.storm.generated.SpoutStats;
import org.junit.jupiter.api.Test;

class DrainTest {
    private static final Timing EXACT = new Timing(1000, 200, 30_000, false);

    private final long begun = System.currentTimeMillis();

    @Test
    void itEndsWithTheFirstReportAfterTheStopThatLeavesNothingPending() throws Exception {
        AtomicInteger looks = new AtomicInteger();
        // The first report is from before, when nothing happened to be pending.
        String remark = drain(EXACT, look -> {
            looks.set(look);
            return look == 0 ? new Pending(begun - 500, 0, 100) : new Pending(begun + 2000 + look, 5 - Math.min(5, look), 100 + look);
        });
        assertEquals("", remark);
        assertEquals(5, looks.get());
    }

    @Test
    void whatNobodyAcknowledgesIsNotWaitedForUntilItFails() throws Exception {
        String remark = drain(EXACT, look -> new Pending(begun + 2000 + look, 70, 0));
        assertTrue(remark.startsWith("70 tuples are neither"), remark);
        assertTrue(System.currentTimeMillis() - begun < EXACT.longest() / 2, "well before the message timeout");
    }

    @Test
    void whatIsPendingAtTheMessageTimeoutIsLeftAndSaid() throws Exception {
        Timing timing = new Timing(1000, 100, 300, false);
        String remark = drain(timing, look -> new Pending(begun + 2000 + look, 1000 - look, look));
        assertTrue(remark.contains("pending at the last report"), remark);
        assertTrue(drain(timing, look -> new Pending(begun, 0, 0)).contains("no source reported"));
    }

    @Test
    void whereCountsTellNothingItWaitsAsLongAsTuplesTookAndSaysSo() throws Exception {
        IntFunction<Pending> never = look -> {
            throw new IllegalStateException("nobody looks");
        };
        assertTrue(drain(new Timing(1000, 50, 30_000, true), never).contains("topology.stats.sample.rate"));
        assertTrue(drain(new Timing(60_000, 50, 30_000, false), never).contains("executor.metrics.frequency.secs"));
    }

    @Test
    void nothingIsWaitedForOnceTheTopologyIsGone() {
        Deadline deadline = Deadline.in(20_000, () -> {
            throw new StepFailed(StepFailed.Code.PLAN_OUTDATED, "it is gone");
        });
        assertThrows(StepFailed.class, () -> new Drain(() -> new Pending(0, 1, 0), EXACT).await(deadline));
    }

    @Test
    void onlyTheUsersStreamsOfSourcesAreAddedUp() {
        ClusterWorkerHeartbeat one = report(1000, Map.of("default", 90L, "__ack_init", 90L), Map.of("default", 80L), 3);
        ClusterWorkerHeartbeat two = report(990, Map.of("default", 10L), Map.of("default", 5L), 0);
        assertEquals(new Pending(990_000, 12, 88), Pending.of(List.of(one, two)));
        assertEquals(new Pending(0, 0, 0), Pending.of(Arrays.asList(one, null)), "one has not reported");
    }

    private String drain(Timing timing, IntFunction<Pending> looks) throws Exception {
        AtomicInteger at = new AtomicInteger();
        return new Drain(() -> looks.apply(at.getAndIncrement()), timing).await(Deadline.in(20_000, () -> { }));
    }

    private static ClusterWorkerHeartbeat report(int secs, Map<String, Long> emitted, Map<String, Long> acked, long failed) {
        SpoutStats spout = new SpoutStats(Map.of(":all-time", acked), Map.of(":all-time", Map.of("default", failed)), Map.of());
        Map<ExecutorInfo, ExecutorStats> executors = new HashMap<>();
        executors.put(new ExecutorInfo(1, 1), stats(emitted, ExecutorSpecificStats.spout(spout)));
        BoltStats bolt = new BoltStats(Map.of(), Map.of(), Map.of(), Map.of(), Map.of());
        executors.put(new ExecutorInfo(2, 2), stats(Map.of("default", 1000L), ExecutorSpecificStats.bolt(bolt)));
        return new ClusterWorkerHeartbeat("words-1", executors, secs, 60);
    }

    private static ExecutorStats stats(Map<String, Long> emitted, ExecutorSpecificStats specific) {
        return new ExecutorStats(Map.of(":all-time", emitted), Map.of(), specific, 1.0);
    }
}
