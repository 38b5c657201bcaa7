package io.thalweg.flink.act;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.thalweg.flink.QuietJob;
import io.thalweg.flink.measure.ClusterReader;
import io.thalweg.flink.measure.JobView;
import io.thalweg.flink.measure.NodeView;
import io.thalweg.flink.measure.Recovery;
import io.thalweg.flink.place.DesiredPlacement;
import io.thalweg.flink.rest.FakeFlink;
import io.thalweg.flink.rest.Requirements;
import io.thalweg.flink.rest.Requirements.Range;
import io.thalweg.shell.Deadline;
import io.thalweg.shell.Engine;
import io.thalweg.shell.EngineFacade;
import io.thalweg.shell.Phase;
import io.thalweg.shell.Place;
import io.thalweg.shell.Plan;
import io.thalweg.shell.StepFailed;
import io.thalweg.shell.StepFailed.Code;
import io.thalweg.shell.Strategy;
import io.thalweg.shell.TaskRange;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import org.apache.flink.runtime.jobgraph.JobResourceRequirements;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.node.JsonNodeFactory;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.node.TextNode;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What both ways do to a job, in which order, and what is left when they give up. */
class StrategiesTest {
    private static final Plan TO_TWO = new Plan("p", 1, "a", "words", Plan.Kind.COUNTS, Map.of("source", 2), Map.of(), 2,
            false, List.of(row(0, 63, 0), row(64, 127, 1)));

    private final List<String> done = new ArrayList<>();
    private final OneJob job = new OneJob();
    private FakeFlink flink;
    private JobView seen;
    private Bounds bounds;
    private Requirements requirements;
    private final EngineFacade facade = new EngineFacade(new Listening());

    @BeforeEach
    void start() throws Exception {
        flink = new FakeFlink().streamingJob("a", "words");
        seen = new ClusterReader(flink.rest()).job("a").orElseThrow();
        requirements = new Requirements(flink.rest(), () -> null, kept -> { });
        bounds = new Bounds(flink.rest(), requirements, facade, TO_TWO, seen);
    }

    @AfterEach
    void stop() {
        flink.close();
    }

    private static Plan.Row row(int first, int last, int port) {
        return new Plan.Row("source", new TaskRange(first, last), null, new Place("n1", port));
    }

    private OwnTrigger ownTrigger(boolean mayLoseState) {
        return new OwnTrigger(job, new ClusterStates.ActionContext(TO_TWO, seen, List.of()), bounds, facade, mayLoseState);
    }

    private RestRescale rescale(Recovery recovery) {
        return new RestRescale(TO_TWO, bounds, facade, () -> recovery);
    }

    private static Code failure(Strategy strategy, Phase phase) {
        return assertThrows(StepFailed.class, () -> strategy.perform(phase, Deadline.in(50, () -> { }))).code();
    }

    private static void perform(Strategy strategy, Phase phase) throws Exception {
        strategy.perform(phase, Deadline.in(10_000, () -> { }));
    }

    @Test
    void boundsReachFlinkAfterTheCheckpointAndJustBeforeTheRestart() throws Exception {
        OwnTrigger strategy = ownTrigger(false);
        perform(strategy, Phase.PREPARE);
        assertEquals(List.of(), flink.changes());
        perform(strategy, Phase.STARTED);
        assertEquals(List.of("ask for slots", "checkpoint", "intend after 0 changes", "restart after 1 changes"), done);
        assertTrue(flink.changes().get(0).contains("\"upperBound\":2"), flink.changes().toString());
    }

    @Test
    void aPlanThatIsGivenUpForWantOfSlotsLeavesNothingBehind() throws Exception {
        job.hasSlots = false;
        OwnTrigger strategy = ownTrigger(false);
        assertEquals(Code.STEP_DEADLINE, failure(strategy, Phase.PREPARE));
        strategy.back();
        strategy.end();
        assertEquals(List.of(), flink.changes());
        assertNull(job.allocator().desired());
    }

    @Test
    void withoutACheckpointThereAreNeitherBoundsNorARestart() throws Exception {
        job.checkpoint = CompletableFuture.failedFuture(new IllegalStateException("for a test"));
        OwnTrigger strategy = ownTrigger(false);
        perform(strategy, Phase.PREPARE);
        assertEquals(Code.ENGINE_REFUSED, failure(strategy, Phase.STARTED));
        strategy.back();
        assertEquals(List.of(), flink.changes());
        assertEquals(List.of("ask for slots", "checkpoint", "give back"), done);
    }

    @Test
    void aJobThatTakesNoCheckpointsIsNotTouched() throws Exception {
        job.checkpoints = false;
        DesiredPlacement earlier = new DesiredPlacement(Map.of(), Map.of());
        job.allocator().desire(earlier);
        OwnTrigger strategy = ownTrigger(false);
        assertEquals(Code.CHECKPOINTS_MISSING, failure(strategy, Phase.PREPARE));
        strategy.back();
        assertEquals(List.of(), done);
        assertEquals(earlier, job.allocator().desired());
        for (Recovery recovery : List.of(Recovery.OFF, Recovery.NONE_YET, Recovery.FAILING)) {
            assertEquals(Code.CHECKPOINTS_MISSING, failure(rescale(recovery), Phase.PREPARE));
        }
        assertEquals(List.of(), flink.changes());
    }

    @Test
    void unlessItsUserSaysSo() throws Exception {
        job.checkpoints = false;
        OwnTrigger strategy = ownTrigger(true);
        perform(strategy, Phase.PREPARE);
        perform(strategy, Phase.STARTED);
        assertEquals(List.of("ask for slots", "intend after 0 changes", "restart after 1 changes"), done);
    }

    @Test
    void ofAJobThatHasEndedNoAnswerIsWaitedFor() throws Exception {
        OwnTrigger strategy = ownTrigger(false);
        perform(strategy, Phase.PREPARE);
        job.ended = true;
        job.over = true;
        long begun = System.nanoTime();
        assertEquals(Code.PLAN_OUTDATED, failure(strategy, Phase.STARTED));
        assertEquals(Code.PLAN_OUTDATED, assertThrows(StepFailed.class, strategy::back).code());
        assertEquals(Code.PLAN_OUTDATED, assertThrows(StepFailed.class, strategy::end).code());
        assertTrue(System.nanoTime() - begun < 5e9, "less than a call may take");
        assertEquals(List.of(), flink.changes());
    }

    @Test
    void aJobThatAnotherJobManagerTakesOverLeavesItsPlanToThatOne() throws Exception {
        OwnTrigger strategy = ownTrigger(false);
        perform(strategy, Phase.PREPARE);
        job.ended = true;
        assertEquals(Code.LEADERSHIP_LOST, failure(strategy, Phase.STARTED));
    }

    @Test
    void whatFlinkRestartedMeanwhileIsAnotherPlansMatter() throws Exception {
        OwnTrigger strategy = ownTrigger(false);
        perform(strategy, Phase.PREPARE);
        job.state = "another";
        assertEquals(Code.PLAN_OUTDATED, failure(strategy, Phase.STARTED));
        assertEquals(List.of(), flink.changes());
    }

    @Test
    void aPlanBeyondBoundsThatItsUserHasSetSinceIsGivenUp() throws Exception {
        String vertex = FakeFlink.vertexOf("a");
        OwnTrigger strategy = ownTrigger(false);
        perform(strategy, Phase.PREPARE);
        flink.on("/jobs/a/resource-requirements",
                "{\"%s\": {\"parallelism\": {\"lowerBound\": 3, \"upperBound\": 3}}}".formatted(vertex));
        assertEquals(Code.PLAN_OUTDATED, failure(strategy, Phase.STARTED));
        assertEquals(Code.PLAN_OUTDATED, failure(rescale(Recovery.POSSIBLE), Phase.PREPARE));
        assertEquals(List.of(), flink.changes());
    }

    /** Flink as it keeps what it was asked for. */
    private void asked() {
        flink.on("/jobs/a/resource-requirements", flink.changes().get(flink.changes().size() - 1));
    }

    @Test
    void onlySlotsThatAreThereAreAskedForBesideThoseThatThePlanTakes() throws Exception {
        job.hasSlots = false;
        for (int free : List.of(0, 1, 3)) {
            List<NodeView> nodes = List.of(new NodeView("n1", "h1", 4, free, 100, 1024, Double.NaN, 0));
            OwnTrigger strategy =
                    new OwnTrigger(job, new ClusterStates.ActionContext(TO_TWO, seen, nodes), bounds, facade, false);
            assertEquals(Code.STEP_DEADLINE, failure(strategy, Phase.PREPARE));
            // It holds one slot, and the plan takes two.
            assertEquals(Math.max(0, free - 1), job.extra, free + " slots are free");
        }
    }

    @Test
    void aJobThatStartsAgainAndAgainGoesBackAtOnce() throws Exception {
        job.startsEachLook = true;
        OwnTrigger strategy = ownTrigger(false);
        perform(strategy, Phase.PREPARE);
        StepFailed failed = assertThrows(StepFailed.class, () -> perform(strategy, Phase.STARTED));
        assertEquals(Code.RESTARTS_AGAIN, failed.code(), failed.getMessage());
        asked();
        done.clear();
        strategy.back();
        assertEquals(List.of("give back", "undone after 2 changes", "restart after 2 changes"), done);
        assertTrue(flink.changes().get(1).contains("\"upperBound\":1"), flink.changes().toString());
    }

    @Test
    void oneThatTakesLongToRestoreItsStateIsLeftToIt() throws Exception {
        job.allRun = false;
        OwnTrigger strategy = ownTrigger(false);
        perform(strategy, Phase.PREPARE);
        strategy.perform(Phase.STARTED, Deadline.in(1_000, () -> { }));
        assertEquals(Code.STEP_DEADLINE, failure(strategy, Phase.SWITCHED));
    }

    @Test
    void throughRestAJobThatFailsAgainAndAgainGoesBackToo() throws Exception {
        String exceptions = "/jobs/a/exceptions";
        flink.on(exceptions, "{\"exceptionHistory\": {\"entries\": [{\"timestamp\": 5}]}}");
        RestRescale strategy = rescale(Recovery.POSSIBLE);
        perform(strategy, Phase.PREPARE);
        asked();
        flink.on(exceptions, """
                {"exceptionHistory": {"entries": [{"timestamp": 9, "taskName": "source (1/2)", "exceptionName": "E"},
                  {"timestamp": 8}, {"timestamp": 7}, {"timestamp": 5}]}}""");
        StepFailed failed = assertThrows(StepFailed.class, () -> perform(strategy, Phase.STARTED));
        assertEquals(Code.RESTARTS_AGAIN, failed.code());
        assertTrue(failed.getMessage().contains("source (1/2): E"), failed.getMessage());
        strategy.back();
        assertTrue(flink.changes().get(1).contains("\"upperBound\":1"), flink.changes().toString());
    }

    @Test
    void aSuccessorTakesBoundsBackByTheirTrace() throws Exception {
        perform(ownTrigger(false), Phase.PREPARE);
        bounds.ask();
        asked();
        Traces.undo(requirements, "a", Traces.boundsChanged(Map.of(FakeFlink.vertexOf("a"), new Range(1, 1))));
        assertTrue(flink.changes().get(1).contains("\"upperBound\":1"), flink.changes().toString());
        assertThrows(StepFailed.class, () -> Traces.undo(requirements, "a", new TextNode("unknown")));
    }

    @Test
    void throughRestOnlyBoundsAreAskedForWhereTheJobCanBeRestored() throws Exception {
        perform(rescale(Recovery.POSSIBLE), Phase.PREPARE);
        assertEquals(1, flink.changes().size());
    }

    /** An engine that notes when it is told of what is done. */
    private final class Listening implements Engine {
        @Override
        public JsonNode observe(ByteBuffer snapshot, int length, long now) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void assign(ByteBuffer cluster, int length, ByteBuffer answers, long now) {
            throw new UnsupportedOperationException();
        }

        @Override
        public JsonNode command(JsonNode command, long now) {
            String op = command.path("op").asText();
            if (op.startsWith("inten") || op.startsWith("undo")) {
                done.add(op + " after " + flink.changes().size() + " changes");
            }
            return JsonNodeFactory.instance.objectNode();
        }

        @Override
        public void close() {
            // nothing is open
        }
    }

    /** A job whose every step is noted. */
    private final class OneJob extends QuietJob {
        private CompletableFuture<?> checkpoint = CompletableFuture.completedFuture("done");
        private boolean checkpoints = true;
        private boolean hasSlots = true;
        private boolean allRun = true;
        private boolean startsEachLook;
        private boolean ended;
        private boolean over;
        private int deployments = 1;
        private int extra;
        private Object state = "executing";

        OneJob() {
            super("a");
        }

        @Override
        public boolean checkpoints() {
            return checkpoints;
        }

        @Override
        public Object state() {
            return state;
        }

        @Override
        public boolean isStillExecuting(Object then) {
            return then == state;
        }

        @Override
        public boolean allRun() {
            deployments += startsEachLook ? 1 : 0;
            return allRun;
        }

        @Override
        public int deployments() {
            return deployments;
        }

        @Override
        public CompletableFuture<?> checkpoint() {
            done.add("checkpoint");
            return checkpoint;
        }

        @Override
        public void restart(Object then) {
            done.add("restart after " + flink.changes().size() + " changes");
            deployments++;
            state = "executing again " + deployments;
        }

        @Override
        public JobResourceRequirements requirements() {
            return JobResourceRequirements.empty();
        }

        @Override
        public void requirements(JobResourceRequirements bounds) {
            done.add("bounds past REST");
        }

        @Override
        public void askFor(int more) {
            done.add("ask for slots");
            extra = more;
        }

        @Override
        public void desire(DesiredPlacement desired, Map<String, Double> pins) {
            done.add("ask for named slots");
        }

        @Override
        public boolean holds(DesiredPlacement desired) {
            return hasSlots;
        }

        @Override
        public boolean holdsEnough(DesiredPlacement desired) {
            return hasSlots;
        }

        /** A main thread that has ended takes what it is given, and does nothing. */
        @Override
        public <T> CompletableFuture<T> onMain(Callable<T> work) {
            return ended ? new CompletableFuture<>() : super.onMain(work);
        }

        @Override
        public boolean hasEnded() {
            return ended;
        }

        @Override
        public boolean isOver() {
            return over;
        }

        @Override
        public void startIfPossible() {
            done.add("look");
        }

        @Override
        public int heldSlots() {
            return 1;
        }

        @Override
        public void giveBack() {
            done.add("give back");
        }
    }
}
