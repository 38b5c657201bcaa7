package io.thalweg.flink.act;

import io.thalweg.flink.PlacedJob;
import io.thalweg.flink.measure.JobView;
import io.thalweg.flink.measure.NodeView;
import io.thalweg.flink.measure.Vertex;
import io.thalweg.flink.place.DesiredPlacement;
import io.thalweg.flink.rest.Requirements;
import io.thalweg.shell.Deadline;
import io.thalweg.shell.EngineFacade;
import io.thalweg.shell.Phase;
import io.thalweg.shell.Place;
import io.thalweg.shell.Plan;
import io.thalweg.shell.StepFailed;
import io.thalweg.shell.StepFailed.Code;
import io.thalweg.shell.Strategy;
import io.thalweg.shell.TaskRange;
import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.flink.runtime.jobgraph.JobResourceRequirements;
import org.apache.flink.runtime.jobgraph.JobVertexID;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.node.JsonNodeFactory;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.node.ObjectNode;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Gets the new slots first, then takes a checkpoint, then restarts the tasks at once where they are desired. Nothing
 * waits for a periodic checkpoint, and nothing is replayed.
 */
final class OwnTrigger implements Strategy {
    private static final Logger LOG = LoggerFactory.getLogger(OwnTrigger.class);
    private static final long CALL_SECONDS = 10;
    private static final long LOOK_MILLIS = 100;
    /** Slots that are there are offered within a fraction of this. */
    private static final long PATIENCE_MILLIS = 5_000;

    /** So many starts after a change are no accident. */
    private static final int MOST_STARTS = 2;
    private static final long CALM_MILLIS = 1_000;

    private final PlacedJob job;
    private final Plan plan;
    private final Bounds bounds;
    private final EngineFacade facade;
    private final List<NodeView> nodes;
    private final boolean mayLoseState;
    private DesiredPlacement desired;
    private DesiredPlacement before;
    private boolean begun;
    private boolean restarted;
    private Object state;
    private int deployed;

    /** @param mayLoseState whether the user allows restarts without a checkpoint */
    OwnTrigger(PlacedJob job, ClusterStates.ActionContext context, Bounds bounds, EngineFacade facade, boolean mayLoseState) {
        this.job = job;
        this.plan = context.plan();
        this.bounds = bounds;
        this.facade = facade;
        this.nodes = context.nodes();
        this.mayLoseState = mayLoseState;
        this.desired = desired(plan, context.seen());
    }

    /** The plan's rows by vertex; the order of task ranges is that of subtasks. */
    static DesiredPlacement desired(Plan plan, JobView seen) {
        Map<String, TreeMap<TaskRange, Place>> byName = new HashMap<>();
        for (Plan.Row row : plan.rows()) {
            byName.computeIfAbsent(row.component(), name -> new TreeMap<>()).put(row.range(), row.after());
        }
        Map<JobVertexID, List<Place>> places = new HashMap<>();
        Map<JobVertexID, Integer> managedMib = new HashMap<>();
        for (Vertex vertex : seen.vertices()) {
            JobVertexID id = JobVertexID.fromHexString(vertex.id());
            places.put(id, List.copyOf(byName.getOrDefault(vertex.name(), new TreeMap<>()).values()));
            if (plan.memoryMib().containsKey(vertex.name())) {
                managedMib.put(id, plan.memoryMib().get(vertex.name()));
            }
        }
        return new DesiredPlacement(places, managedMib);
    }

    @Override
    public String name() {
        return "own_trigger";
    }

    @Override
    public void perform(Phase phase, Deadline deadline) throws Exception {
        switch (phase) {
            case PREPARE -> prepare(deadline);
            case STARTED -> {
                long begun = System.currentTimeMillis();
                restart(deadline);
                runsOn(deadline.later(System.currentTimeMillis() - begun));
            }
            case SWITCHED -> {
                facade.commit(plan.id());
                deadline.await("all tasks running", () -> ask(() -> job.state() != state && job.allRun()));
            }
            default -> ask(() -> {
                job.giveBack();
                return true;
            });
        }
    }

    @Override
    public void back() throws Exception {
        if (!begun) {
            // What runs was desired by an earlier plan, and stays so.
            return;
        }
        ask(() -> {
            job.allocator().restorePlacement(before);
            job.giveBack();
            return true;
        });
        bounds.undo();
        if (restarted) {
            // Where Flink is between two tries, the next is with the former bounds anyway.
            ask(() -> {
                Object now = job.state();
                if (job.isStillExecuting(now)) {
                    job.restart(now);
                }
                return true;
            });
        }
    }

    @Override
    public void end() throws Exception {
        ask(() -> {
            job.giveBack();
            return true;
        });
    }

    /**
     * Whether there are as many subtasks as desired, of the size desired, and, where only places were asked for, on the
     * nodes.
     */
    boolean reached() {
        if (!job.allocator().managedMib().entrySet().containsAll(desired.managedMib().entrySet())) {
            return false;
        }
        Map<JobVertexID, List<Place>> places = job.allocator().places();
        return desired.places().entrySet().stream().allMatch(row -> {
            List<Place> found = places.getOrDefault(row.getKey(), List.of());
            return plan.kind() == Plan.Kind.MOVE
                    ? nodesOf(row.getValue()).equals(nodesOf(found)) : row.getValue().size() == found.size();
        });
    }

    private static List<String> nodesOf(List<Place> places) {
        return places.stream().map(Place::node).toList();
    }

    /** Nothing that runs is touched, and Flink is told of no other bounds: slots are got beside those in use. */
    private void prepare(Deadline deadline) throws Exception {
        if (!job.checkpoints() && !mayLoseState) {
            throw new StepFailed(Code.CHECKPOINTS_MISSING, "the job takes no checkpoints, so a restart would lose its state");
        }
        boolean executing = ask(() -> {
            state = job.state();
            before = job.allocator().desired();
            begun = true;
            desired = desired.after(before);
            return job.isStillExecuting(state);
        });
        if (!executing) {
            throw new StepFailed(Code.PLAN_OUTDATED, "the job is not in a state to be changed");
        }
        ask(() -> {
            askForSlots();
            return true;
        });
        // A node may have died, or another job have its slots: then rows are dropped, and parallelism is kept.
        Deadline patience = deadline.within(PATIENCE_MILLIS);
        deadline.await("slots", () -> ask(() -> job.holds(desired) || patience.passed() && job.holdsEnough(desired)));
    }

    private void askForSlots() {
        Map<String, Double> pins = new HashMap<>();
        nodes.stream().filter(node -> node.pin() > 0).forEach(node -> pins.put(node.id(), node.pin()));
        if (pins.keySet().containsAll(desired.nodes())) {
            job.desire(desired, pins);
            return;
        }
        job.allocator().desire(desired);
        job.askFor(job.holds(desired) ? 0 : headRoom());
    }

    /**
     * Which node a slot comes from is the ResourceManager's choice, so all that are free are asked for, and not one more: an
     * active ResourceManager would start TaskManagers for them. But not where other sizes are desired, as that would leave no
     * room to cut them. There, slots that are left over from an earlier plan count for what may have any size, so as many
     * are asked for besides.
     */
    private int headRoom() {
        if (!plan.memoryMib().isEmpty()) {
            return job.allocator().leftOver();
        }
        int there = job.heldSlots() + nodes.stream().mapToInt(NodeView::free).sum();
        return Math.max(0, there - job.allocator().slots());
    }

    /** Through REST, so that they outlive this JobManager; past it where REST does not answer. */
    private void askBounds() throws Exception {
        try {
            bounds.ask();
        } catch (IOException e) {
            LOG.warn("new bounds of parallelism are lost with this JobManager: {}", e.toString());
            facade.event("NOT_PERSISTED", plan.name() + ": " + e);
            bounds.ask(new MainThread());
        }
    }

    /** Bounds past the Dispatcher: they hold as long as this JobManager lives. */
    private final class MainThread implements Requirements.Channel {
        @Override
        public JsonNode read() throws IOException, InterruptedException {
            ObjectNode all = JsonNodeFactory.instance.objectNode();
            call(job::requirements).getJobVertexParallelisms().forEach((vertex, bounds) ->
                    all.putObject(vertex.toHexString()).putObject("parallelism")
                            .put("lowerBound", bounds.getParallelism().getLowerBound())
                            .put("upperBound", bounds.getParallelism().getUpperBound()));
            return all;
        }

        @Override
        public void write(JsonNode bounds) throws IOException, InterruptedException {
            JobResourceRequirements.Builder all = JobResourceRequirements.newBuilder();
            bounds.fieldNames().forEachRemaining(vertex -> {
                JsonNode parallelism = bounds.path(vertex).path("parallelism");
                all.setParallelismForJobVertex(JobVertexID.fromHexString(vertex),
                        parallelism.path("lowerBound").asInt(), parallelism.path("upperBound").asInt());
            });
            call(() -> {
                job.requirements(all.build());
                return true;
            });
        }

        private <T> T call(Callable<T> work) throws IOException, InterruptedException {
            try {
                return job.onMain(work).get(CALL_SECONDS, TimeUnit.SECONDS);
            } catch (ExecutionException | TimeoutException e) {
                throw new IOException("the job's scheduler", e);
            }
        }
    }

    /** With a checkpoint taken just now; the new bounds reach Flink only then, or it would restart the job by itself. */
    private void restart(Deadline deadline) throws Exception {
        if (job.checkpoints()) {
            checkpoint(deadline);
        }
        boolean executing = ask(() -> job.isStillExecuting(state));
        if (!plan.counts().isEmpty()) {
            if (!executing) {
                throw new StepFailed(Code.PLAN_OUTDATED, "Flink restarted the job meanwhile");
            }
            askBounds();
        }
        ask(() -> {
            if (job.isStillExecuting(state)) {
                // From now on slots may come from anywhere, or a TaskManager that dies would be waited for. But the
                // request stands until all run: by Flink's clock a new slot that is in excess has always been idle for
                // too long, and its next look, each slot.idle.timeout, would release it.
                job.allocator().extra(0);
                deployed = job.deployments();
                job.restart(state);
                restarted = true;
            }
            return true;
        });
    }

    /**
     * Waits until all tasks have run for a moment without another start. One failure may be an accident, as that of a
     * TaskManager; a job that starts again and again cannot run as desired. One that takes long to restore its state is
     * left to it.
     */
    private void runsOn(Deadline deadline) throws StepFailed, InterruptedException {
        int[] starts = {0};
        long[] calmSince = {0};
        try {
            deadline.await("all tasks running", () -> {
                int now = job.deployments() - deployed;
                if (now > MOST_STARTS) {
                    throw startsAgain(now);
                }
                boolean runs = ask(() -> job.state() != state && job.allRun());
                if (!runs || now != starts[0]) {
                    starts[0] = now;
                    calmSince[0] = System.currentTimeMillis();
                }
                return runs && System.currentTimeMillis() - calmSince[0] >= CALM_MILLIS;
            });
        } catch (StepFailed e) {
            if (e.code() != Code.STEP_DEADLINE) {
                throw e;
            }
            if (starts[0] > 1) {
                throw startsAgain(starts[0]);
            }
            LOG.warn("plan {}: not all tasks run yet", plan.id());
        }
    }

    private StepFailed startsAgain(int starts) throws InterruptedException {
        return new StepFailed(Code.RESTARTS_AGAIN,
                "the job started " + starts + " times with what was changed, last failure " + bounds.lastFailure());
    }

    private void checkpoint(Deadline deadline) throws Exception {
        try {
            CompletableFuture<?> checkpoint = answer(job.onMain(job::checkpoint));
            answer(checkpoint, deadline.at());
        } catch (ExecutionException | TimeoutException e) {
            // A restart by Flink itself ends the checkpoint as well.
            if (!mayLoseState && ask(() -> job.isStillExecuting(state))) {
                throw new StepFailed(Code.ENGINE_REFUSED, "no checkpoint", e);
            }
            LOG.warn("plan {} goes on without a checkpoint: {}", plan.id(), e.toString());
        }
    }

    /** Asks the job's main thread, which never waits, so neither does this for long. */
    private boolean ask(Callable<Boolean> question) throws StepFailed {
        try {
            return answer(job.onMain(question));
        } catch (ExecutionException | TimeoutException e) {
            throw new StepFailed(Code.ENGINE_REFUSED, "the job's scheduler", e.getCause() == null ? e : e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new StepFailed(Code.ENGINE_REFUSED, "interrupted", e);
        }
    }

    /** What the job's main thread answers; that of a job that has ended does not answer any more. */
    private <T> T answer(CompletableFuture<T> answer)
            throws StepFailed, ExecutionException, TimeoutException, InterruptedException {
        return answer(answer, System.currentTimeMillis() + TimeUnit.SECONDS.toMillis(CALL_SECONDS));
    }

    /** The same until a time in ms since 1970. */
    private <T> T answer(CompletableFuture<T> answer, long last)
            throws StepFailed, ExecutionException, TimeoutException, InterruptedException {
        while (true) {
            try {
                return answer.get(LOOK_MILLIS, TimeUnit.MILLISECONDS);
            } catch (TimeoutException e) {
                if (job.hasEnded()) {
                    // Another JobManager carries the plan of its job on, or takes back what was done.
                    throw job.isOver() ? new StepFailed(Code.PLAN_OUTDATED, "the job has ended")
                            : new StepFailed(Code.LEADERSHIP_LOST, "another JobManager takes the job over");
                }
                if (System.currentTimeMillis() >= last) {
                    throw e;
                }
            }
        }
    }
}
