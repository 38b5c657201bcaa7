package io.thalweg.storm;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.thalweg.shell.Engine;
import io.thalweg.storm.cluster.Settings;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import org.apache.storm.metric.StormMetricsRegistry;
import org.apache.storm.scheduler.Cluster;
import org.apache.storm.scheduler.DefaultScheduler;
import org.apache.storm.scheduler.ExecutorDetails;
import org.apache.storm.scheduler.TopologyDetails;
import org.apache.storm.scheduler.WorkerSlot;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ThalwegSchedulerTest {
    @TempDir
    Path folder;

    private final TopologyDetails topology = Synthetic.topology("wc", 2, 1, 4);
    private ThalwegScheduler scheduler;

    @AfterEach
    void end() {
        if (scheduler != null) {
            scheduler.cleanup();
        }
    }

    @Test
    void withoutAnEngineStormSchedules() {
        Cluster cluster = Synthetic.cluster(3, 2, topology);
        scheduled(cluster, null);
        assertEquals(byStorm(), Synthetic.placement(cluster, topology));
    }

    @Test
    void withoutAModeStormSchedulesUnderTheRealEngine() {
        Cluster cluster = Synthetic.cluster(3, 2, topology);
        scheduledFor(cluster, Map.of());
        assertEquals(byStorm(), Synthetic.placement(cluster, topology));
    }

    @Test
    void theRealEnginePlacesWhereItIsToldToAct() {
        Cluster cluster = Synthetic.cluster(3, 2, topology);
        scheduledFor(cluster, Map.of("thalweg.mode", "act"));
        assertTrue(cluster.getUnassignedExecutors(topology).isEmpty());
        assertNotEquals(byStorm(), Synthetic.placement(cluster, topology));
    }

    @Test
    void whatTheEngineLeavesStormSchedules() {
        Cluster cluster = Synthetic.cluster(3, 2, topology);
        scheduled(cluster, answers -> fill(answers, Engine.LEAVE));
        assertEquals(byStorm(), Synthetic.placement(cluster, topology));
    }

    @Test
    void whatTheEngineAnswersIsApplied() {
        Cluster cluster = Synthetic.cluster(3, 2, topology);
        scheduled(cluster, answers -> {
            fill(answers, 3);
            answers.putInt(0, 0);
        });
        Set<ExecutorDetails> first = Set.of(Synthetic.executors(topology).get(0));
        assertEquals(first, Synthetic.placement(cluster, topology).get(new WorkerSlot("node-00", 6700)));
        assertEquals(4, Synthetic.placement(cluster, topology).get(new WorkerSlot("node-01", 6701)).size());
    }

    @Test
    void aWorkerThatStaysTheSameIsNotTouched() {
        Cluster cluster = Synthetic.cluster(3, 2, topology);
        DefaultScheduler.defaultSchedule(cluster.getTopologies(), cluster);
        Map<WorkerSlot, Set<ExecutorDetails>> before = Synthetic.placement(cluster, topology);
        scheduled(cluster, answers -> fill(answers, Engine.KEEP));
        assertEquals(before, Synthetic.placement(cluster, topology));
    }

    @Test
    void answersThatFitNothingAreDroppedAndNothingIsLeftUnassigned() {
        Cluster cluster = Synthetic.cluster(3, 2, topology);
        scheduled(cluster, answers -> {
            fill(answers, 1);
            answers.putInt(4, 4711);
            answers.putInt(8, -77);
        });
        assertTrue(cluster.getUnassignedExecutors(topology).isEmpty());
    }

    @Test
    void aBlacklistedNodeGetsNothing() {
        Cluster cluster = Synthetic.cluster(3, 2, topology);
        cluster.blacklistHost("host-node-00");
        scheduled(cluster, answers -> fill(answers, 0));
        assertTrue(cluster.getUnassignedExecutors(topology).isEmpty());
        assertTrue(Synthetic.placement(cluster, topology).keySet().stream().noneMatch(slot -> slot.getNodeId().equals("node-00")));
    }

    @Test
    void slotsOfOtherTopologiesAreLeftToThem() {
        TopologyDetails other = Synthetic.topology("other", 2, 1, 2);
        Cluster cluster = Synthetic.cluster(2, 2, other, topology);
        cluster.assign(new WorkerSlot("node-00", 6700), other.getId(), other.getExecutors());
        scheduled(cluster, answers -> {
            fill(answers, 0);
            for (int i = 0; i < 3; i++) {
                answers.putInt(4 * i, Engine.KEEP);
            }
        });
        assertTrue(cluster.getUnassignedExecutors(topology).isEmpty());
        assertTrue(cluster.getUnassignedExecutors(other).isEmpty());
        assertEquals(1, Synthetic.placement(cluster, other).size());
    }

    @Test
    void othersAreScheduledByStormBesideOurs() {
        TopologyDetails other = Synthetic.topology("other", 2, 1, 2);
        Cluster cluster = Synthetic.cluster(3, 2, other, topology);
        scheduled(cluster, answers -> {
            fill(answers, Engine.LEAVE);
            for (int i = 3; i < 8; i++) {
                answers.putInt(4 * i, 5);
            }
        });
        assertEquals(Set.of(new WorkerSlot("node-02", 6701)), Synthetic.placement(cluster, topology).keySet());
        assertTrue(cluster.getUnassignedExecutors(other).isEmpty());
        assertEquals(2, Synthetic.placement(cluster, other).size());
    }

    @Test
    void aPlacementInAReservedSlotIsDroppedUnlessItsTopologyHoldsIt() {
        TopologyDetails other = Synthetic.topology("other", 1, 1, 2);
        Cluster cluster = Synthetic.cluster(1, 2, other, topology);
        WorkerSlot slot = new WorkerSlot("node-00", 6700);
        prepare(answers -> fill(answers, 0));
        scheduler.rounds().reserve(topology.getId(), Set.of(slot));
        scheduler.rounds().reveal();
        round(cluster);
        assertEquals(Set.of(slot), Synthetic.placement(cluster, topology).keySet());
        assertEquals(Set.of(new WorkerSlot("node-00", 6701)), Synthetic.placement(cluster, other).keySet());
    }

    @Test
    void theEngineDoesNotSeeSlotsThatAreReservedForLater() {
        Cluster cluster = Synthetic.cluster(1, 3, topology);
        prepare(answers -> fill(answers, 0));
        scheduler.rounds().reserve("another", Set.of(new WorkerSlot("node-00", 6700)));
        round(cluster);
        assertEquals(Set.of(new WorkerSlot("node-00", 6701)), Synthetic.placement(cluster, topology).keySet(),
            "the first slot that it sees is the second one");
    }

    @Test
    void reservedSlotsStayFreeWhenTheEngineFails() {
        Cluster cluster = Synthetic.cluster(2, 2, topology);
        prepare(answers -> {
            throw new StackOverflowError();
        });
        scheduler.rounds().reserve("another", Set.of(new WorkerSlot("node-00", 6700), new WorkerSlot("node-00", 6701),
            new WorkerSlot("node-01", 6701)));
        round(cluster);
        assertEquals(Set.of(new WorkerSlot("node-01", 6700)), Synthetic.placement(cluster, topology).keySet());
    }

    @Test
    void aRoundTellsWhatItGaveAway() {
        Cluster cluster = Synthetic.cluster(3, 2, topology);
        prepare(answers -> fill(answers, 2));
        round(cluster);
        assertEquals(Set.of(new WorkerSlot("node-01", 6700)), scheduler.rounds().handedOut());
    }

    @Test
    void whatIsDesiredForOneTopologyIsNotChosenForAnother() {
        TopologyDetails other = Synthetic.topology("another", 1, 1, 2);
        Cluster cluster = Synthetic.cluster(1, 2, other, topology);
        scheduled(cluster, answers -> {
            fill(answers, 4711);
            for (int i = 3; i < 8; i++) {
                answers.putInt(4 * i, 0);
            }
        });
        assertEquals(Set.of(new WorkerSlot("node-00", 6700)), Synthetic.placement(cluster, topology).keySet());
        assertEquals(Set.of(new WorkerSlot("node-00", 6701)), Synthetic.placement(cluster, other).keySet());
    }

    @Test
    void oneTopologyMayGetWhatAnotherLeaves() {
        TopologyDetails other = Synthetic.topology("another", 1, 1, 2);
        Cluster cluster = Synthetic.cluster(1, 2, other, topology);
        cluster.assign(new WorkerSlot("node-00", 6701), other.getId(), other.getExecutors());
        cluster.assign(new WorkerSlot("node-00", 6700), topology.getId(), topology.getExecutors());
        scheduled(cluster, answers -> {
            fill(answers, 0);
            for (int i = 3; i < 8; i++) {
                answers.putInt(4 * i, 1);
            }
        });
        assertEquals(Set.of(new WorkerSlot("node-00", 6701)), Synthetic.placement(cluster, topology).keySet());
        assertEquals(Set.of(new WorkerSlot("node-00", 6700)), Synthetic.placement(cluster, other).keySet());
    }

    @Test
    void droppedPlacementsTakeNoMoreWorkersThanTheUserAskedFor() {
        TopologyDetails narrow = Synthetic.topology("narrow", 1, 1, 2);
        Cluster cluster = Synthetic.cluster(2, 2, narrow);
        scheduled(cluster, answers -> {
            fill(answers, 4711);
            answers.putInt(0, 0);
        });
        assertEquals(Set.of(new WorkerSlot("node-00", 6700)), Synthetic.placement(cluster, narrow).keySet());
        assertTrue(cluster.getUnassignedExecutors(narrow).isEmpty());
    }

    /** Storm's own scheduler would free workers that are not filled evenly, as there are fewer than were asked for. */
    @Test
    void whatThalwegPlacedStaysWhenItDecidesNoMore() {
        TopologyDetails wide = Synthetic.topology("wide", 4, 1, 4);
        Cluster cluster = Synthetic.cluster(3, 2, wide);
        boolean[] observe = {false};
        prepare(answers -> {
            fill(answers, observe[0] ? Engine.LEAVE : 3);
            if (!observe[0]) {
                answers.putInt(0, 0);
            }
        });
        round(cluster);
        Map<WorkerSlot, Set<ExecutorDetails>> placed = Synthetic.placement(cluster, wide);
        assertEquals(2, placed.size());
        observe[0] = true;
        round(cluster);
        assertEquals(placed, Synthetic.placement(cluster, wide));

        cluster.unassign(wide.getId());
        round(cluster);
        assertEquals(4, Synthetic.placement(cluster, wide).size(), "a rebalance gives it back to Storm");
        cluster.freeSlot(Synthetic.placement(cluster, wide).keySet().iterator().next());
        round(cluster);
        assertEquals(4, Synthetic.placement(cluster, wide).size());
    }

    @Test
    void whatThalwegNeverPlacedIsStormsAsEver() {
        TopologyDetails wide = Synthetic.topology("wide", 4, 1, 4);
        Cluster cluster = Synthetic.cluster(3, 2, wide);
        cluster.assign(new WorkerSlot("node-00", 6700), wide.getId(), wide.getExecutors());
        scheduled(cluster, answers -> fill(answers, Engine.LEAVE));
        assertEquals(4, Synthetic.placement(cluster, wide).size());
    }

    @Test
    void whateverTheEngineThrowsStaysInside() {
        Cluster cluster = Synthetic.cluster(3, 2, topology);
        scheduled(cluster, answers -> {
            throw new StackOverflowError();
        });
        assertEquals(byStorm(), Synthetic.placement(cluster, topology));
    }

    private Map<WorkerSlot, Set<ExecutorDetails>> byStorm() {
        Cluster cluster = Synthetic.cluster(3, 2, topology);
        DefaultScheduler.defaultSchedule(cluster.getTopologies(), cluster);
        return Synthetic.placement(cluster, topology);
    }

    /** Schedules with the engine that is shipped, as Nimbus would with this configuration over Storm's own. */
    private void scheduledFor(Cluster cluster, Map<String, Object> given) {
        Map<String, Object> conf = new HashMap<>(Synthetic.CONF);
        conf.put("storm.local.dir", folder.toString());
        conf.putAll(given);
        scheduler = new ThalwegScheduler();
        scheduler.prepare(conf, new StormMetricsRegistry());
        assertDoesNotThrow(() -> scheduler.schedule(cluster.getTopologies(), cluster));
    }

    private void scheduled(Cluster cluster, Consumer<ByteBuffer> answers) {
        prepare(answers);
        round(cluster);
    }

    private void prepare(Consumer<ByteBuffer> answers) {
        scheduler = new Scripted(answers);
        Map<String, Object> conf = new HashMap<>(Synthetic.CONF);
        conf.put("storm.local.dir", folder.toString());
        scheduler.prepare(conf, new StormMetricsRegistry());
    }

    private void round(Cluster cluster) {
        assertDoesNotThrow(() -> scheduler.schedule(cluster.getTopologies(), cluster));
    }

    private static void fill(ByteBuffer answers, int answer) {
        for (int i = 0; i < answers.capacity() / 4; i++) {
            answers.putInt(4 * i, answer);
        }
    }

    /** The scheduler with an engine that answers as told; without answers it has none. */
    static final class Scripted extends ThalwegScheduler {
        private final Consumer<ByteBuffer> answers;

        Scripted(Consumer<ByteBuffer> answers) {
            this.answers = answers;
        }

        @Override
        protected Engine open(Settings settings, Map<String, Object> conf) {
            if (answers == null) {
                throw new UnsatisfiedLinkError("no engine");
            }
            return new Engine() {
                @Override
                public JsonNode observe(ByteBuffer snapshot, int length, long now) {
                    return JsonNodeFactory.instance.objectNode();
                }

                @Override
                public void assign(ByteBuffer cluster, int length, ByteBuffer out, long now) {
                    answers.accept(out);
                }

                @Override
                public JsonNode command(JsonNode command, long now) {
                    return JsonNodeFactory.instance.objectNode();
                }

                @Override
                public void close() { }
            };
        }
    }
}
