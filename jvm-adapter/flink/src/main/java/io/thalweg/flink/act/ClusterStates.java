package io.thalweg.flink.act;

import io.thalweg.flink.Jobs;
import io.thalweg.flink.Monitor;
import io.thalweg.flink.Settings;
import io.thalweg.flink.measure.JobView;
import io.thalweg.flink.measure.NodeView;
import io.thalweg.flink.measure.Recovery;
import io.thalweg.flink.rest.Requirements;
import io.thalweg.flink.rest.Rest;
import io.thalweg.shell.ClusterState;
import io.thalweg.shell.EngineFacade;
import io.thalweg.shell.Plan;
import io.thalweg.shell.StepFailed;
import io.thalweg.shell.StepFailed.Code;
import io.thalweg.shell.Strategy;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;

/** Flink's ways of carrying out plans. */
public final class ClusterStates implements Function<Plan, ClusterState> {
    private final Settings settings;
    private final Rest rest;
    private final Requirements requirements;
    private final EngineFacade facade;
    private final Jobs jobs;
    private final Monitor monitor;

    /** What a plan is carried out upon: the job and the nodes as they were last seen. */
    record ActionContext(Plan plan, JobView seen, List<NodeView> nodes) { }

    /** Works on the cluster that the monitor sees. */
    public ClusterStates(Settings settings, Rest rest, Requirements requirements, EngineFacade facade, Jobs jobs, Monitor monitor) {
        this.settings = settings;
        this.rest = rest;
        this.requirements = requirements;
        this.facade = facade;
        this.jobs = jobs;
        this.monitor = monitor;
    }

    @Override
    public ClusterState apply(Plan plan) {
        Monitor.View view = monitor.last();
        JobView seen = view.jobs().get(plan.topology());
        if (seen == null) {
            return new Gone();
        }
        Bounds bounds = new Bounds(rest, requirements, facade, plan, seen);
        ActionContext context = new ActionContext(plan, seen, view.nodes());
        boolean mayLoseState = settings.mayLoseState(plan.topology(), plan.name());
        Callable<Recovery> recovery = () -> mayLoseState ? Recovery.POSSIBLE : Recovery.read(rest, plan.topology());
        return jobs.placed(plan.topology())
                .map(job -> new OwnTrigger(job, context, bounds, facade, mayLoseState))
                .map(trigger -> new Present(requirements, jobs, plan, List.of(trigger), trigger::reached))
                .orElseGet(() -> {
                    // Through REST, parallelism is all that can be changed.
                    RestRescale rescale = new RestRescale(plan, bounds, facade, recovery);
                    List<Strategy> strategies = plan.counts().isEmpty() ? List.of() : List.of(rescale);
                    return new Present(requirements, jobs, plan, strategies, rescale::reached);
                });
    }

    /** The job ended meanwhile. */
    private record Gone() implements ClusterState {
        @Override
        public List<Strategy> strategies() {
            return List.of();
        }

        @Override
        public List<Strategy> carryOn() {
            return List.of();
        }

        @Override
        public boolean reached() {
            return false;
        }

        @Override
        public void undo(JsonNode done) {
            // Its bounds ended with it.
        }
    }

    /** The job is there. What a predecessor committed is carried on as it was begun. */
    private record Present(Requirements requirements, Jobs jobs, Plan plan, List<Strategy> strategies, BooleanSupplier goal)
            implements ClusterState {
        /** Of a job that another process runs, as where Thalweg works from beside, only REST tells, a while later. */
        @Override
        public void check() throws StepFailed {
            if (jobs.isOver(plan.topology())) {
                throw new StepFailed(Code.PLAN_OUTDATED, "the job has ended");
            }
        }

        @Override
        public List<Strategy> carryOn() {
            return strategies;
        }

        @Override
        public boolean reached() {
            return goal.getAsBoolean();
        }

        @Override
        public void undo(JsonNode done) throws Exception {
            Traces.undo(requirements, plan.topology(), done);
        }
    }
}
