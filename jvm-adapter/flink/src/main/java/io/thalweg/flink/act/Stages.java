package io.thalweg.flink.act;

import io.thalweg.flink.Jobs;
import io.thalweg.flink.Monitor;
import io.thalweg.flink.Settings;
import io.thalweg.flink.measure.JobView;
import io.thalweg.flink.measure.NodeView;
import io.thalweg.flink.measure.Recovery;
import io.thalweg.flink.rest.Requirements;
import io.thalweg.flink.rest.Rest;
import io.thalweg.shell.Desk;
import io.thalweg.shell.Plan;
import io.thalweg.shell.Stage;
import io.thalweg.shell.Way;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.Function;

/** Flink's ways of carrying out plans. */
public final class Stages implements Function<Plan, Stage> {
    private final Settings settings;
    private final Rest rest;
    private final Requirements requirements;
    private final Desk desk;
    private final Jobs jobs;
    private final Monitor monitor;

    /** What a plan is carried out upon: the job and the nodes as they were last seen. */
    record Scene(Plan plan, JobView seen, List<NodeView> nodes) { }

    /** Works on the cluster that the monitor sees. */
    public Stages(Settings settings, Rest rest, Requirements requirements, Desk desk, Jobs jobs, Monitor monitor) {
        this.settings = settings;
        this.rest = rest;
        this.requirements = requirements;
        this.desk = desk;
        this.jobs = jobs;
        this.monitor = monitor;
    }

    @Override
    public Stage apply(Plan plan) {
        Monitor.View view = monitor.last();
        JobView seen = view.jobs().get(plan.topology());
        if (seen == null) {
            return new Gone();
        }
        Bounds bounds = new Bounds(rest, requirements, plan, seen);
        Scene scene = new Scene(plan, seen, view.nodes());
        boolean mayLoseState = settings.mayLoseState(plan.topology(), plan.name());
        Callable<Recovery> recovery = () -> mayLoseState ? Recovery.POSSIBLE : Recovery.read(rest, plan.topology());
        return jobs.placed(plan.topology())
                .<Stage>map(job -> new Placing(new OwnTrigger(job, scene, bounds, desk, mayLoseState)))
                .orElseGet(() -> new Scaling(plan, new RestRescale(plan, bounds, desk, recovery)));
    }

    /** The job ended meanwhile. */
    private record Gone() implements Stage {
        @Override
        public List<Way> ways() {
            return List.of();
        }

        @Override
        public List<Way> carryOn() {
            return List.of();
        }

        @Override
        public boolean reached() {
            return false;
        }
    }

    /** Parallelism and places. */
    private record Placing(OwnTrigger way) implements Stage {
        @Override
        public List<Way> ways() {
            return List.of(way);
        }

        @Override
        public List<Way> carryOn() {
            return List.of(way);
        }

        @Override
        public boolean reached() {
            return way.reached();
        }
    }

    /** Parallelism only. */
    private record Scaling(Plan plan, RestRescale way) implements Stage {
        @Override
        public List<Way> ways() {
            return plan.counts().isEmpty() ? List.of() : List.of(way);
        }

        @Override
        public List<Way> carryOn() {
            return ways();
        }

        @Override
        public boolean reached() {
            return way.reached();
        }
    }
}
