package io.thalweg.storm.act;

import io.thalweg.shell.Deadline;
import io.thalweg.shell.Phase;
import io.thalweg.shell.Place;
import io.thalweg.shell.Plan;
import io.thalweg.shell.StepFailed;
import io.thalweg.shell.TaskRange;
import io.thalweg.shell.Strategy;
import io.thalweg.shell.StepFailed.Code;
import io.thalweg.shell.Visible;
import io.thalweg.storm.cluster.Settings;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.storm.Config;
import org.apache.storm.scheduler.TopologyDetails;
import org.apache.storm.thrift.TException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Lets the topology run dry, restarts it in its new place, and lets it run again. Nothing is lost. */
final class DrainAndRestart implements Strategy {
    private static final Logger LOG = LoggerFactory.getLogger(DrainAndRestart.class);

    private static final long RETRY_MILLIS = 500;
    private static final int DEFAULT_REPORT_SECS = 60;

    private final ActionContext context;
    private final Plan plan;
    private final Commit commit;
    private WorkerWatch watch;
    private Set<Place> sources = Set.of();
    private boolean stopped;
    private String remark = "";

    DrainAndRestart(ActionContext context, Plan plan) {
        this.context = context;
        this.plan = plan;
        this.commit = new Commit(context, plan);
    }

    @Override
    public String name() {
        return "drain_and_restart";
    }

    @Override
    public String remark(Phase phase) {
        return phase == Phase.STARTED ? remark : "";
    }

    @Override
    public void perform(Phase phase, Deadline deadline) throws Exception {
        switch (phase) {
            case PREPARE -> stop();
            case STARTED -> remark = new Drain(this::pending, timing()).await(deadline);
            case SWITCHED -> {
                watch = new WorkerWatch(context.state(), plan.topology(), context.view().nodes(), fresh());
                commit.place();
                if (commit.needsRebalance()) {
                    commit.rebalance(0, deadline);
                }
            }
            case COMMITTED -> {
                deadline.await("Nimbus to hold the plan", () -> context.reached(plan));
                context.announce(plan);
                deadline.await("restarted workers " + watch.missing(), watch::allUp);
                Thread.sleep(context.settings().refreshMillis() + context.settings().settleMillis());
            }
            default -> throw new IllegalStateException("no work in " + phase);
        }
    }

    @Override
    public void back() {
        // Letting the topology run again is all there is to it, and end() does that.
    }

    /** Lets the topology run again, however long it takes: a topology left stopped is the worst outcome. */
    @Override
    public void end() throws Exception {
        if (!stopped) {
            return;
        }
        Deadline deadline = Deadline.in(context.settings().stepTimeoutMillis(), () -> { });
        while (true) {
            context.facade().requireLeadership();
            try {
                context.activate(plan);
                stopped = false;
                context.facade().undone(plan.id(), Traces.deactivated());
                return;
            } catch (TException | RuntimeException e) {
                LOG.error("cannot activate {} yet: {}", Visible.text(plan.name()), e.toString());
                if (deadline.passed()) {
                    throw new StepFailed(Code.ENGINE_REFUSED, "topology " + plan.name() + " is inactive until the next try", e);
                }
                Thread.sleep(RETRY_MILLIS);
            }
        }
    }

    private Drain.Timing timing() throws TException, StepFailed {
        // What a topology does not set, its workers have from the cluster's configuration.
        Map<String, Object> conf = new HashMap<>(context.conf());
        conf.putAll(context.topology(plan).getConf());
        long report = 1000 * Settings.number(conf, Config.EXECUTOR_METRICS_FREQUENCY_SECS, DEFAULT_REPORT_SECS, 1);
        Object rate = conf.get(Config.TOPOLOGY_STATS_SAMPLE_RATE);
        boolean sampled = !(rate instanceof Number every) || every.doubleValue() < 1;
        return new Drain.Timing(report, context.drainMillis(plan), Settings.messageTimeoutMillis(conf), sampled);
    }

    private Pending pending() {
        return Pending.of(sources.stream().map(place -> context.state().heartbeat(plan.topology(), place.node(), place.port())).toList());
    }

    /** The slots in which sources run. */
    private Set<Place> sources() throws TException, StepFailed {
        TopologyDetails topology = context.topology(plan);
        Set<TaskRange> ranges = new TreeSet<>();
        topology.getExecutorToComponent().forEach((executor, component) -> {
            if (topology.getTopology().get_spouts().containsKey(component)) {
                ranges.add(new TaskRange(executor.getStartTask(), executor.getEndTask()));
            }
        });
        Set<Place> places = new TreeSet<>();
        Slots.of(context.assignment(plan)).places().forEach((range, place) -> {
            if (ranges.contains(range)) {
                places.add(place);
            }
        });
        return places;
    }

    private void stop() throws TException, StepFailed {
        context.requireAllowed("deactivate", "activate");
        commit.requireAllowed();
        String status = context.nimbus().info(plan.topology()).get_status();
        if (!"ACTIVE".equals(status)) {
            throw new StepFailed(Code.PLAN_OUTDATED, "topology " + plan.name() + " is " + status);
        }
        sources = sources();
        context.facade().intend(plan.id(), Traces.deactivated());
        stopped = true;
        context.nimbus().call("deactivate", nimbus -> {
            nimbus.deactivate(plan.name());
            return null;
        });
    }

    /** The slots whose workers begin anew; those already reached keep theirs. */
    private Map<Place, Set<TaskRange>> fresh() {
        Map<TaskRange, Place> before = new TreeMap<>();
        for (Plan.Row row : plan.rows()) {
            if (row.before() != null) {
                before.put(row.range(), row.before());
            }
        }
        return Slots.of(plan.desired()).without(Slots.of(before));
    }
}
