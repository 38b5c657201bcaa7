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
import io.thalweg.storm.cluster.NodeFacts;
import io.thalweg.storm.cluster.Rounds;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.apache.storm.generated.Assignment;
import org.apache.storm.scheduler.TopologyDetails;
import org.apache.storm.scheduler.WorkerSlot;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Starts the new workers beside the old, points the senders to them, and only then makes the placement Nimbus's
 * own, which ends the old ones: nothing stops in between.
 */
final class MakeBeforeBreak implements Strategy {
    private static final Logger LOG = LoggerFactory.getLogger(MakeBeforeBreak.class);

    /** Supervisors ask Nimbus each ten seconds, so the best moment comes within that time. */
    private static final long BEST_MOMENT_MILLIS = 11_000;

    /** From the switch to the commit, besides the refresh of the senders. */
    private static final long SWITCH_MARGIN_MILLIS = 500;

    /** What the old workers work off while senders are switched. */
    private static final long SHORT_DRAIN_MILLIS = 1_000;

    /** What is not worked off by then is replayed; a longer wait would risk the view. */
    private static final long LONGEST_DRAIN_MILLIS = 4_000;

    /** How long a node is not to ask Nimbus after its new workers start. */
    private static final long START_QUIET_MILLIS = 8_500;

    /** A view that lasts longer than this cannot be fitted between two syncs of a supervisor. */
    private static final long LONGEST_QUIET_MILLIS = 9_500;

    /** From a sync until a worker that read its undone view closes its port, besides its own delay. */
    private static final long ENDING_MARGIN_MILLIS = 700;

    /** How often new workers are looked at while senders are switched to them. */
    private static final long ALIVE_LOOK_MILLIS = 200;

    private final ActionContext context;
    private final Plan plan;
    private final Commit commit;
    private final Map<String, Assignment> prepared = new HashMap<>();
    private final Map<String, Assignment> switched = new HashMap<>();
    private Views views;
    private WorkerWatch watch;
    private ViewKeeper keeper;
    private long drainMillis;
    private boolean released;

    MakeBeforeBreak(ActionContext context, Plan plan) {
        this.context = context;
        this.plan = plan;
        this.commit = new Commit(context, plan);
    }

    @Override
    public String name() {
        return "make_before_break";
    }

    @Override
    public void perform(Phase phase, Deadline deadline) throws Exception {
        switch (phase) {
            case PREPARE -> start(deadline);
            case STARTED -> switchOver(deadline);
            case SWITCHED -> commit(deadline);
            case COMMITTED -> clean(deadline);
            default -> throw new IllegalStateException("no work in " + phase);
        }
    }

    @Override
    public void back() throws Exception {
        end();
    }

    @Override
    public void end() throws Exception {
        try {
            if (keeper != null && !released) {
                released = true;
                context.facade().requireLeadership();
                keeper.release();
                context.facade().undone(plan.id(), Traces.workersStarted(views.nodes()));
            }
        } finally {
            context.rounds().release();
        }
    }

    @Override
    public void abandon() {
        context.rounds().release();
        if (keeper != null) {
            keeper.close();
        }
    }

    private void start(Deadline deadline) throws Exception {
        context.requireAllowed("sendSupervisorAssignments", "getLocalAssignmentForStorm", "getSupervisorAssignments");
        commit.requireAllowed();
        Map<String, NodeFacts> nodes = context.view().nodes();
        Assignment base = context.assignment(plan);
        checkBefore(base);
        Map<Place, Set<TaskRange>> fresh = Slots.of(plan.desired()).without(Slots.of(base));
        reserve(fresh.keySet(), nodes, deadline);
        views = views(base, fresh, nodes);
        for (String node : views.nodes()) {
            prepared.put(node, views.prepared(node));
            switched.put(node, views.switched(node));
        }
        watch = new WorkerWatch(context.state(), plan.topology(), nodes, views.fresh());
        keeper = new ViewKeeper(plan.topology(), Slots.of(plan.desired()), context.truth(), context.clock(), context.rounds(),
            supervisors(nodes));
        context.facade().intend(plan.id(), Traces.workersStarted(views.nodes()));
        learnSyncs(base, deadline);
        startBehindSyncs(deadline);
        deadline.await("new workers " + views.fresh().keySet(), () -> {
            keeper.check();
            return watch.allUp();
        });
        deadline.pause(context.settings().settleMillis());
    }

    /** A worker that reads its executors while its view is undone ends itself, so it starts when that is farthest. */
    private void startBehindSyncs(Deadline deadline) throws Exception {
        Set<String> waiting = new TreeSet<>(prepared.keySet());
        deadline.await("supervisors to ask Nimbus", () -> {
            long now = System.currentTimeMillis();
            waiting.removeIf(node -> {
                boolean behind = !context.clock().knows(node) || context.clock().quiet(node, START_QUIET_MILLIS, now);
                if (behind) {
                    keeper.hold(node, prepared.get(node));
                }
                return behind;
            });
            return waiting.isEmpty();
        });
    }

    private void switchOver(Deadline deadline) throws Exception {
        drainMillis = Math.max(0, Math.min(LONGEST_DRAIN_MILLIS, context.drainMillis(plan) - SHORT_DRAIN_MILLIS));
        switchSenders(deadline);
    }

    /**
     * Points the senders to the new workers, and back at once if one of those ends meanwhile: what is sent to a dead
     * worker keeps a source waiting until the message timeout.
     */
    private void switchSenders(Deadline deadline) throws Exception {
        while (true) {
            awaitBestMoment(context.settings().refreshMillis() + SWITCH_MARGIN_MILLIS + drainMillis + commitMillis(), deadline);
            if (watch.allAnswer()) {
                switched.forEach(keeper::hold);
                keeper.awaitHeld(deadline);
                if (allAnswerFor(context.settings().refreshMillis() + SWITCH_MARGIN_MILLIS, deadline)) {
                    return;
                }
            }
            takeBack(deadline);
        }
    }

    private void takeBack(Deadline deadline) throws Exception {
        prepared.forEach(keeper::hold);
        LOG.warn("a new worker of {} was restarted, waiting for it", Visible.text(plan.name()));
        deadline.await("new workers to answer again", watch::allAnswer);
        deadline.pause(context.settings().settleMillis());
    }

    private boolean allAnswerFor(long millis, Deadline deadline) throws InterruptedException {
        long end = System.currentTimeMillis() + millis;
        while (watch.allAnswer()) {
            long left = end - System.currentTimeMillis();
            if (left <= 0 || deadline.passed()) {
                return true;
            }
            deadline.pause(Math.min(left, ALIVE_LOOK_MILLIS));
        }
        return false;
    }

    /** How long the commit may take. */
    private long commitMillis() {
        return commit.needsRebalance() ? context.settings().roundMillis() : 0;
    }

    /**
     * A moment from which on no node of new workers asks Nimbus for so long, and by which a worker that read its
     * executors just when its node last asked has ended.
     */
    private void awaitBestMoment(long quiet, Deadline deadline) throws InterruptedException {
        if (quiet >= LONGEST_QUIET_MILLIS) {
            return;
        }
        long ended = Math.min(context.settings().workerEndMillis() + ENDING_MARGIN_MILLIS, LONGEST_QUIET_MILLIS - quiet);
        Set<String> starting = views.fresh().keySet().stream().map(Place::node).collect(Collectors.toSet());
        long latest = Math.min(deadline.at(), System.currentTimeMillis() + BEST_MOMENT_MILLIS);
        while (!allBetweenSyncs(starting, ended, quiet) && System.currentTimeMillis() < latest) {
            Thread.sleep(20);
        }
    }

    /**
     * Learns when the nodes of new workers ask Nimbus, from a view that only differs in start times, which nobody
     * reads: the first time that a real view is undone could be taken note of by a slot.
     */
    private void learnSyncs(Assignment base, Deadline deadline) throws Exception {
        Set<String> unknown = views.fresh().keySet().stream().map(Place::node).filter(node -> !context.clock().knows(node))
            .collect(Collectors.toSet());
        Assignment marked = base.deepCopy();
        marked.get_executor_start_time_secs().replaceAll((executor, at) -> at + 1);
        unknown.forEach(node -> keeper.hold(node, marked));
        deadline.await("supervisors to ask Nimbus", () -> unknown.stream().allMatch(context.clock()::knows));
    }

    private boolean allBetweenSyncs(Set<String> nodes, long since, long until) {
        long now = System.currentTimeMillis();
        SyncClock clock = context.clock();
        return nodes.stream().allMatch(node -> clock.past(node, since, now) && clock.quiet(node, until, now));
    }

    /**
     * Commits once all new workers carry the load and the old ones have worked off what they had; until then the
     * old ones, which still run, could take the load back.
     */
    private void commit(Deadline deadline) throws Exception {
        while (!allAnswerFor(drainMillis, deadline)) {
            takeBack(deadline);
            switchSenders(deadline);
        }
        context.rounds().reveal();
        commit.place();
        if (commit.needsRebalance()) {
            commit.rebalance(0, deadline);
        }
    }

    private void clean(Deadline deadline) throws Exception {
        deadline.await("Nimbus to hold the plan", () -> context.reached(plan));
        LOG.info("{} is placed as plan {} desired", Visible.text(plan.name()), plan.id());
        end();
    }

    private void checkBefore(Assignment base) throws StepFailed {
        Map<TaskRange, Place> running = Slots.of(base).places();
        for (Plan.Row row : plan.rows()) {
            if (row.before() != null && plan.kind() == Plan.Kind.MOVE && !row.before().equals(running.get(row.range()))) {
                throw new StepFailed(Code.PLAN_OUTDATED, "executor " + row.range() + " runs at " + running.get(row.range())
                    + ", the plan says " + row.before());
            }
        }
    }

    private Views views(Assignment base, Map<Place, Set<TaskRange>> fresh, Map<String, NodeFacts> nodes) throws Exception {
        TopologyDetails topology = context.topology(plan);
        Map<String, String> hosts = new HashMap<>();
        nodes.values().forEach(node -> hosts.put(node.id(), node.host()));
        return new Views(base, Slots.of(plan.desired()), new WorkerSizes(context.conf()).of(topology, plan.rows(), fresh), hosts);
    }

    /**
     * Reserves the slots of new workers, and only then sees whether they are free: a round that began before may
     * still give them away, and Nimbus shows only later what a round decided.
     */
    private void reserve(Set<Place> fresh, Map<String, NodeFacts> nodes, Deadline deadline) throws Exception {
        Rounds rounds = context.rounds();
        Set<WorkerSlot> slots = fresh.stream().map(place -> new WorkerSlot(place.node(), place.port())).collect(Collectors.toSet());
        rounds.reserve(plan.topology(), slots);
        deadline.await("the scheduling round under way", rounds::reservationHolds);
        for (WorkerSlot taken : rounds.handedOut()) {
            if (slots.contains(taken)) {
                throw new StepFailed(Code.SLOT_NOT_FREE, "slot " + taken + " was just given away");
            }
        }
        checkFree(fresh, nodes);
    }

    private void checkFree(Set<Place> fresh, Map<String, NodeFacts> nodes) throws Exception {
        for (String id : fresh.stream().map(Place::node).collect(Collectors.toSet())) {
            NodeFacts node = nodes.get(id);
            if (node == null || node.blacklisted()) {
                throw new StepFailed(Code.SLOT_NOT_FREE, "node " + id + " is gone or blacklisted");
            }
            Set<Integer> taken = new HashSet<>();
            context.nimbus().assignments(id).values().forEach(held -> Slots.of(held).executors().keySet().stream()
                .filter(place -> place.node().equals(id)).forEach(place -> taken.add(place.port())));
            for (Place place : fresh) {
                if (place.node().equals(id) && (taken.contains(place.port()) || !node.ports().contains(place.port()))) {
                    throw new StepFailed(Code.SLOT_NOT_FREE, "slot " + place + " is taken or not there");
                }
            }
        }
    }

    private Map<String, Supervisor> supervisors(Map<String, NodeFacts> nodes) throws StepFailed {
        Map<String, Supervisor> supervisors = new HashMap<>();
        for (String id : views.nodes()) {
            if (!nodes.containsKey(id)) {
                throw new StepFailed(Code.PLAN_OUTDATED, "node " + id + " is gone");
            }
            if (NumaNodes.siblings(id, nodes.keySet()).size() > 1) {
                throw new StepFailed(Code.VIEW_NOT_EXPRESSIBLE, "node " + id + " shares its supervisor with others");
            }
            supervisors.put(id, new SupervisorLink(context.conf(), context.state(), nodes.get(id), context.nimbus().refusals()));
        }
        return supervisors;
    }
}
