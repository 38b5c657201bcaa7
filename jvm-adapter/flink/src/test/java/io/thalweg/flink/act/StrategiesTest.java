package io.thalweg.flink.act;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.thalweg.flink.PlacedJob;
import io.thalweg.flink.measure.ClusterReader;
import io.thalweg.flink.measure.JobView;
import io.thalweg.flink.measure.Recovery;
import io.thalweg.flink.place.PlacingSlotAllocator;
import io.thalweg.flink.place.SlotNumbers;
import io.thalweg.flink.place.Wish;
import io.thalweg.flink.rest.FakeFlink;
import io.thalweg.flink.rest.Requirements;
import io.thalweg.shell.Deadline;
import io.thalweg.shell.EngineFacade;
import io.thalweg.shell.Phase;
import io.thalweg.shell.Place;
import io.thalweg.shell.Plan;
import io.thalweg.shell.StepFailed;
import io.thalweg.shell.StepFailed.Code;
import io.thalweg.shell.TaskRange;
import io.thalweg.shell.Strategy;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import org.apache.flink.runtime.jobgraph.JobResourceRequirements;
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

    @BeforeEach
    void start() throws Exception {
        flink = new FakeFlink().streamingJob("a", "words");
        seen = new ClusterReader(flink.rest()).job("a").orElseThrow();
        bounds = new Bounds(flink.rest(), new Requirements(flink.rest(), null, kept -> { }), TO_TWO, seen);
    }

    @AfterEach
    void stop() {
        flink.close();
    }

    private static Plan.Row row(int first, int last, int port) {
        return new Plan.Row("source", new TaskRange(first, last), null, new Place("n1", port));
    }

    private OwnTrigger ownTrigger(boolean mayLoseState) {
        return new OwnTrigger(job, new ClusterStates.ActionContext(TO_TWO, seen, List.of()), bounds, new EngineFacade(null), mayLoseState);
    }

    private RestRescale rescale(Recovery recovery) {
        return new RestRescale(TO_TWO, bounds, new EngineFacade(null), () -> recovery);
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
        assertEquals(List.of("ask for slots", "checkpoint", "restart after 1 changes"), done);
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
        assertNull(job.allocator.wish());
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
        Wish earlier = new Wish(Map.of(), Map.of());
        job.allocator.wish(earlier);
        OwnTrigger strategy = ownTrigger(false);
        assertEquals(Code.CHECKPOINTS_MISSING, failure(strategy, Phase.PREPARE));
        strategy.back();
        assertEquals(List.of(), done);
        assertEquals(earlier, job.allocator.wish());
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
        assertEquals(List.of("ask for slots", "restart after 1 changes"), done);
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

    @Test
    void throughRestOnlyBoundsAreAskedForWhereTheJobCanBeRestored() throws Exception {
        perform(rescale(Recovery.POSSIBLE), Phase.PREPARE);
        assertEquals(1, flink.changes().size());
    }

    /** A job with an allocator that asks nobody. */
    private final class OneJob implements PlacedJob {
        private final PlacingSlotAllocator allocator =
                new PlacingSlotAllocator(reserve -> null, null, "a", new SlotNumbers());
        private CompletableFuture<?> checkpoint = CompletableFuture.completedFuture("done");
        private boolean checkpoints = true;
        private boolean hasSlots = true;
        private Object state = "executing";

        @Override
        public boolean checkpoints() {
            return checkpoints;
        }

        @Override
        public PlacingSlotAllocator allocator() {
            return allocator;
        }

        @Override
        public <T> CompletableFuture<T> onMain(Callable<T> work) {
            try {
                return CompletableFuture.completedFuture(work.call());
            } catch (Exception e) {
                return CompletableFuture.failedFuture(e);
            }
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
            return true;
        }

        @Override
        public CompletableFuture<?> checkpoint() {
            done.add("checkpoint");
            return checkpoint;
        }

        @Override
        public void restart(Object then) {
            done.add("restart after " + flink.changes().size() + " changes");
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
        public void askFor(int extra) {
            done.add("ask for slots");
        }

        @Override
        public void wish(Wish wish, Map<String, Double> pins) {
            done.add("ask for named slots");
        }

        @Override
        public boolean holds(Wish wish) {
            return hasSlots;
        }

        @Override
        public boolean holdsEnough(Wish wish) {
            return hasSlots;
        }

        @Override
        public void giveBack() {
            done.add("give back");
        }
    }
}
