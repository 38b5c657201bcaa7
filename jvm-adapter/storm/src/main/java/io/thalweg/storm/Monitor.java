package io.thalweg.storm;

import com.fasterxml.jackson.databind.JsonNode;
import io.thalweg.bridge.SnapshotWriter;
import io.thalweg.bridge.SnapshotWriter.Status;
import io.thalweg.shell.Actuator;
import io.thalweg.shell.Engine;
import io.thalweg.shell.EngineFacade;
import io.thalweg.shell.Findings;
import io.thalweg.shell.Gauges;
import io.thalweg.shell.Pace;
import io.thalweg.storm.act.ClusterStates;
import io.thalweg.storm.cluster.Meters;
import io.thalweg.storm.cluster.NimbusLink;
import io.thalweg.storm.cluster.Refusals;
import io.thalweg.storm.cluster.Rounds;
import io.thalweg.storm.cluster.Settings;
import io.thalweg.storm.cluster.StateLink;
import io.thalweg.shell.Threads;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import org.apache.storm.generated.ExecutorSummary;
import org.apache.storm.generated.Nimbus;
import org.apache.storm.generated.NotAliveException;
import org.apache.storm.generated.TopologyInfo;
import org.apache.storm.generated.TopologySummary;
import org.apache.storm.scheduler.TopologyDetails;
import org.apache.storm.thrift.TException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Polls the statistics of all executors while this Nimbus leads, and hands them to the engine. */
final class Monitor implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Monitor.class);
    /** How often it is asked who leads: a topology that a predecessor stopped waits for the answer. */
    private static final long LEADERSHIP_MILLIS = 1000;
    /** Nimbus packs what this thread reads. */
    private static final double PROCESS_PER_THREAD = 4;

    private final Settings settings;
    private final Rounds rounds;
    private final Engine engine;
    private final EngineFacade facade;
    private final Actuator actuator;
    private final Shapes shapes;
    private final Adopted adopted;
    private final Meters meters;
    private final NimbusLink nimbus;
    private final RoundTrips roundTrips;
    private final Clocks clocks;
    private final SnapshotWriter writer = new SnapshotWriter();
    private final Findings findings = new Findings(LOG);
    /** The topologies that could not be read when last looked at. */
    private final Set<String> unread = new HashSet<>();
    private final Gauges gauges;
    private final Pace pace;
    private final Thread thread = Threads.of("thalweg-monitor", this::work);
    private OptionalLong term = OptionalLong.empty();
    private long ledAt;
    /** When it was last asked who leads. */
    private long askedAt;

    Monitor(Map<String, Object> conf, Settings settings, Rounds rounds, Engine engine, StateLink state, EngineFacade facade,
        Actuator actuator, Shapes shapes, Adopted adopted, Meters meters) {
        this.settings = settings;
        this.pace = new Pace(settings.mostCpuPercent(), PROCESS_PER_THREAD);
        this.rounds = rounds;
        this.engine = engine;
        this.facade = facade;
        this.actuator = actuator;
        this.shapes = shapes;
        this.adopted = adopted;
        this.meters = meters;
        this.gauges = new Gauges(meters);
        this.nimbus = new NimbusLink(conf, new Refusals());
        this.roundTrips = new RoundTrips(state::thriftPort, state::forget);
        this.clocks = new Clocks(state::reportedAt);
    }

    void start() {
        thread.start();
    }

    @Override
    public void close() {
        Threads.stop(thread);
        roundTrips.close();
        nimbus.close();
    }

    private void work() {
        int failures = 0;
        long rest = 0;
        long due = System.currentTimeMillis() + settings.monitorIntervalMillis();
        while (true) {
            try {
                Thread.sleep(Math.max(0, Math.min(LEADERSHIP_MILLIS, due - System.currentTimeMillis())));
                boolean leads = guarded("leadership", this::lead);
                if (leads && System.currentTimeMillis() >= due) {
                    pace.begin();
                    failures = guarded("statistics", this::observe) ? 0 : failures + 1;
                    rest = pace.end(settings.monitorIntervalMillis());
                }
            } catch (InterruptedException e) {
                LOG.info("monitor ends");
                return;
            } catch (Throwable e) {
                // Not even the log worked. Nimbus would end with this thread, so it goes on.
                failures++;
            }
            if (System.currentTimeMillis() >= due) {
                due = System.currentTimeMillis()
                    + Math.max(rest, Findings.pauseMillis(settings.monitorIntervalMillis(), failures));
            }
        }
    }

    /** What the thread does, which may fail in any way. */
    @FunctionalInterface
    private interface Work {
        void run() throws Exception;
    }

    /** Does something, whatever becomes of it: an error that left this thread would end Nimbus. */
    private boolean guarded(String what, Work work) throws InterruptedException {
        try {
            work.run();
            findings.say(what, what + " can be read");
            return true;
        } catch (InterruptedException e) {
            throw e;
        } catch (Throwable e) {
            meters.error("monitor");
            if (findings.say(what, what + " cannot be read: " + e) && !(e instanceof TException)) {
                LOG.error("nothing is decided until it can be", e);
            }
            return false;
        }
    }

    /** Follows who leads: whoever begins to looks for what its predecessor left, whoever ceases to lets go. */
    private void lead() {
        askedAt = System.currentTimeMillis();
        OptionalLong now = facade.leads();
        boolean doubted = facade.hasLost();
        if (now.equals(term) && !doubted) {
            if (term.isPresent() && rounds.last().isEmpty()) {
                catchUp(facade.due());
            }
            return;
        }
        if (term.isPresent()) {
            LOG.info("what this Nimbus led in term {} is over{}", term.getAsLong(), doubted ? ": somebody was told so" : "");
            facade.follow();
            term = OptionalLong.empty();
            gauges.follow();
        }
        // The actuator may still let go of what it was at before.
        if (now.isPresent() && actuator.isIdle()) {
            LOG.info("this Nimbus leads, in term {}", now.getAsLong());
            ledAt = System.currentTimeMillis();
            catchUp(facade.lead(now.getAsLong()));
            term = now;
        }
    }

    /**
     * Has done what a predecessor left to be done. Storm holds no scheduling round before it has heard of all workers, for
     * ten minutes where one is gone. A topology that was stopped for what is taken back need not wait for that, and one
     * whose plan is carried on does not wait longer than a step may take.
     */
    private void catchUp(JsonNode due) {
        boolean late = System.currentTimeMillis() - ledAt >= settings.stepTimeoutMillis();
        actuator.due(rounds.last().isPresent() ? due : ClusterStates.withoutRound(due, late));
    }

    private void observe() throws TException, InterruptedException {
        Rounds.View view = rounds.last().orElse(null);
        if (view == null || term.isEmpty()) {
            return;
        }
        adopted.save();
        Map<String, Double> trips = roundTrips.measure(view.nodes().values());
        long now = System.currentTimeMillis();
        // Whoever does not answer may have reported long ago.
        Map<String, Double> ahead = clocks.read(trips.keySet(), now);
        writer.begin(now);
        NodesWriter slots = new NodesWriter(writer, rounds.reservation().shown(view.nodes()),
            node -> trips.getOrDefault(node, Double.NaN), node -> ahead.getOrDefault(node, Double.NaN));
        pace.await();
        List<TopologySummary> summaries = new ArrayList<>(nimbus.call("getTopologySummaries", Nimbus.Iface::getTopologySummaries));
        summaries.sort(Comparator.comparing(TopologySummary::get_id));
        for (TopologySummary summary : summaries) {
            TopologyDetails details = view.topologies().get(summary.get_id());
            if (details == null) {
                continue;
            }
            pace.await();
            if (!stillLeads()) {
                return;
            }
            write(summary, details, slots);
        }
        // Only this thread gives it work: where it has none now, nothing newer can be noted meanwhile.
        boolean idle = actuator.isIdle();
        JsonNode answer = engine.observe(writer.finish(), writer.length(), now);
        if (!answer.path("leads").asBoolean(true)) {
            facade.lose();
            return;
        }
        gauges.take(answer);
        if (idle) {
            facade.renote(answer);
        }
        answer.path("decisions").forEach(decision -> findings.take(decision, actuator));
        actuator.due(answer.path("due"));
        findings.keep(view.topologies().keySet());
        unread.retainAll(view.topologies().keySet());
    }

    /** Whether this Nimbus still leads; a look at a large cluster takes longer than the question may wait. */
    private boolean stillLeads() throws InterruptedException {
        if (System.currentTimeMillis() - askedAt >= LEADERSHIP_MILLIS) {
            guarded("leadership", this::lead);
        }
        return term.isPresent();
    }

    private void write(TopologySummary summary, TopologyDetails details, NodesWriter slots) throws TException {
        TopologyInfo info;
        try {
            info = nimbus.info(summary.get_id());
        } catch (NotAliveException e) {
            LOG.debug("{} ended meanwhile", summary.get_id());
            return;
        } catch (TException | RuntimeException e) {
            nimbus.requireAnswers(e);
            // A topology that cannot be read, or may not be, is left alone; the others are judged.
            String about = "topology " + summary.get_id();
            findings.say(about, about + " cannot be read: " + e);
            unread.add(summary.get_id());
            shapes.write(writer, details, status(summary.get_status()), Counters.emitted(List.of()));
            writer.obstacle(SnapshotWriter.Obstacle.UNREADABLE);
            return;
        }
        if (unread.remove(summary.get_id())) {
            String about = "topology " + summary.get_id();
            findings.say(about, about + " can be read again");
        }
        TopologyShape shape = shapes.write(writer, details, status(summary.get_status()), Counters.emitted(info.get_executors()));
        writeExecutors(writer, shape, info.get_executors(), slots);
    }

    /** Writes executors behind the topology that the writer got last. */
    static void writeExecutors(SnapshotWriter writer, TopologyShape shape, List<ExecutorSummary> summaries,
                               NodesWriter slots) {
        List<ExecutorSummary> executors = new ArrayList<>(summaries);
        executors.removeIf(executor -> !shape.indices().containsKey(executor.get_component_id()));
        executors.sort(Comparator.comparing(ExecutorSummary::get_component_id)
            .thenComparingInt(executor -> executor.get_executor_info().get_task_start()));
        for (ExecutorSummary executor : executors) {
            writer.executor(shape.indices().get(executor.get_component_id()), executor.get_executor_info().get_task_start(),
                executor.get_executor_info().get_task_end(), slots.index(executor.get_host(), executor.get_port()));
            if (executor.is_set_stats() && executor.get_stats().is_set_specific()) {
                Counters.of(executor).write(writer);
            }
        }
    }

    /** The state of a topology, as a summary names it. */
    static Status status(String status) {
        for (Status known : Status.values()) {
            if (known.name().equals(status)) {
                return known;
            }
        }
        return Status.REBALANCING;
    }
}
