package io.thalweg.storm.act;

import io.thalweg.shell.EngineFacade;
import io.thalweg.shell.Place;
import io.thalweg.shell.Plan;
import io.thalweg.shell.StepFailed;
import io.thalweg.shell.StepFailed.Code;
import io.thalweg.shell.Visible;
import io.thalweg.storm.cluster.NimbusLink;
import io.thalweg.storm.cluster.NodeFacts;
import io.thalweg.storm.cluster.Refusals;
import io.thalweg.storm.cluster.Rounds;
import io.thalweg.storm.cluster.Settings;
import io.thalweg.storm.cluster.StateLink;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;
import org.apache.storm.generated.Assignment;
import org.apache.storm.generated.ExecutorSummary;
import org.apache.storm.generated.NotAliveException;
import org.apache.storm.scheduler.TopologyDetails;
import org.apache.storm.thrift.TException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What an action works with: the cluster as it is, the links to it, and the settings. */
record ActionContext(Map<String, Object> conf, Settings settings, Rounds rounds, NimbusLink nimbus, StateLink state,
             EngineFacade facade, SyncClock clock) {
    private static final Logger LOG = LoggerFactory.getLogger(ActionContext.class);

    /** Storm's shortest window of statistics: ten minutes. */
    private static final String WINDOW = "600";

    /** The cluster as the last round saw it. */
    Rounds.View view() throws StepFailed {
        return rounds.last().orElseThrow(() -> new StepFailed(Code.PLAN_OUTDATED, "no scheduling round has run yet"));
    }

    /** The topology that a plan is for. */
    TopologyDetails topology(Plan plan) throws StepFailed {
        TopologyDetails topology = view().topologies().get(plan.topology());
        if (topology == null) {
            throw new StepFailed(Code.PLAN_OUTDATED, "topology " + plan.topology() + " is gone");
        }
        return topology;
    }

    /** Fails if the cluster refused one of these calls a short time ago: an action would stop half-way. */
    void requireAllowed(String... calls) throws StepFailed {
        OptionalLong ago = nimbus.refusals().recent(List.of(calls));
        if (ago.isPresent()) {
            throw new StepFailed(Code.ENGINE_REFUSED, "one of " + List.of(calls) + " was refused " + ago.getAsLong() / 1000
                + " s ago: " + Refusals.remedy(calls[0]));
        }
    }

    /**
     * Fails once the topology of a plan is gone. Nimbus takes orders by name, and another topology may have it by now; the
     * last round may not have seen that.
     */
    void requireAlive(Plan plan) throws StepFailed, TException {
        try {
            if (!"KILLED".equals(nimbus.info(plan.topology()).get_status())) {
                return;
            }
        } catch (NotAliveException e) {
            throw new StepFailed(Code.PLAN_OUTDATED, "topology " + plan.topology() + " is gone", e);
        }
        throw new StepFailed(Code.PLAN_OUTDATED, "topology " + plan.topology() + " is being killed");
    }

    /**
     * What supervisors are to have. A Nimbus that stood still believes for a moment that it leads, and answers; what is made
     * of such an answer would start workers that nobody knows of.
     */
    Truth truth() {
        return node -> {
            Map<String, Assignment> held =
                NumaNodes.assignments(nimbus, node, rounds.last().map(seen -> seen.nodes().keySet()).orElse(Set.of()));
            try {
                facade.checkLeadership();
            } catch (StepFailed e) {
                throw new TException(e);
            }
            return held;
        };
    }

    /** What Nimbus holds for the plan's topology. */
    Assignment assignment(Plan plan) throws StepFailed, TException {
        for (String node : Slots.of(plan.desired()).executors().keySet().stream().map(Place::node).distinct().toList()) {
            Assignment held = nimbus.assignments(node).get(plan.topology());
            if (held != null) {
                return held;
            }
        }
        for (Plan.Row row : plan.rows()) {
            Assignment held = row.before() == null ? null : nimbus.assignments(row.before().node()).get(plan.topology());
            if (held != null) {
                return held;
            }
        }
        throw new StepFailed(Code.PLAN_OUTDATED, "Nimbus holds no assignment of " + plan.topology());
    }

    /**
     * Gives every node that the plan mentions what Nimbus holds. Nimbus itself tells only the nodes of changed
     * executors; others would go on sending to where nobody is, for up to ten seconds and the refresh of workers.
     */
    void announce(Plan plan) throws StepFailed {
        Set<String> nodes = new TreeSet<>();
        for (Plan.Row row : plan.rows()) {
            nodes.add(row.after().node());
            if (row.before() != null) {
                nodes.add(row.before().node());
            }
        }
        announce(nodes);
    }

    /** Gives these nodes what Nimbus holds; one that cannot be reached learns it by itself within ten seconds. */
    void announce(Collection<String> nodes) throws StepFailed {
        for (String id : nodes) {
            NodeFacts node = view().nodes().get(id);
            if (node == null) {
                continue;
            }
            try (SupervisorLink link = new SupervisorLink(conf, state, node, nimbus.refusals())) {
                new Herald(truth(), id, link).tell();
            } catch (TException | RuntimeException e) {
                LOG.warn("node {} learns by itself what it is to run: {}", id, e.toString());
            }
        }
    }

    /** Lets the sources of a topology run; nothing where nobody wants it to run any more. */
    void activate(Plan plan) throws TException {
        try {
            if (!"KILLED".equals(nimbus.info(plan.topology()).get_status())) {
                nimbus.call("activate", leader -> {
                    leader.activate(plan.name());
                    return null;
                });
            }
        } catch (NotAliveException e) {
            if (rounds.last().isEmpty()) {
                // A Nimbus that was started again finds its predecessor's place in the queue; until it leads itself, it knows
                // of no topology.
                throw new TException("Nimbus knows of no topology yet", e);
            }
            LOG.info("{} is gone and need not run again", Visible.text(plan.name()));
        }
    }

    /** Whether Nimbus already holds what the plan desires; false while Nimbus cannot be asked. */
    boolean reached(Plan plan) {
        try {
            return Slots.of(assignment(plan)).equals(Slots.of(plan.desired()));
        } catch (TException | StepFailed | RuntimeException e) {
            return false;
        }
    }

    /** As long as a tuple may still be on its way: the longest mean complete latency, in whole seconds. */
    long drainMillis(Plan plan) throws TException, StepFailed {
        double longest = 0;
        for (ExecutorSummary executor : nimbus.info(plan.topology()).get_executors()) {
            if (executor.is_set_stats() && executor.get_stats().get_specific().is_set_spout()) {
                Map<String, Double> latencies =
                    executor.get_stats().get_specific().get_spout().get_complete_ms_avg().getOrDefault(WINDOW, Map.of());
                longest = Math.max(longest, latencies.values().stream().mapToDouble(Double::doubleValue).max().orElse(0));
            }
        }
        long most = Settings.messageTimeoutMillis(topology(plan).getConf());
        return Math.min(most, (long) (1000 * Math.ceil(longest / 1000)));
    }
}
