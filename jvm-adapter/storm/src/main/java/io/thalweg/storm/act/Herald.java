package io.thalweg.storm.act;

import io.thalweg.shell.Place;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.storm.generated.Assignment;
import org.apache.storm.thrift.TException;

/**
 * Tells one supervisor what Nimbus holds, but for one topology.
 *
 * <p>A message replaces all that a supervisor holds, so topologies that were submitted or killed a moment ago must
 * be in it as they are. Nimbus is therefore asked before each message and again after it: what changed in between is
 * sent at once. What changes later, Nimbus itself tells the supervisor, and that message comes behind ours.
 */
final class Herald {
    /** A change between two questions is rare; where it happens each time, the next message must do. */
    private static final int MOST_REPEATS = 5;

    private final Truth truth;
    private final String node;
    private final Supervisor supervisor;
    private Map<String, Assignment> told;
    private boolean unchecked;

    /** Whether Nimbus holds the topology of a view for any node at all. */
    @FunctionalInterface
    interface Alive {
        boolean anywhere() throws TException;
    }

    /** What Nimbus held at one moment: all other topologies, and whether the one of the view lives. */
    private record Moment(Map<String, Assignment> others, boolean alive) { }

    Herald(Truth truth, String node, Supervisor supervisor) {
        this.truth = truth;
        this.node = node;
        this.supervisor = supervisor;
    }

    /** Tells what Nimbus holds and nothing else. */
    void tell() throws TException {
        Map<String, Assignment> held = truth.of(node);
        for (int i = 0; i < MOST_REPEATS; i++) {
            supervisor.send(held);
            Map<String, Assignment> now = truth.of(node);
            if (now.equals(held)) {
                return;
            }
            held = now;
        }
    }

    /**
     * Tells what Nimbus holds, with this view of one topology in the place of what Nimbus holds of it.
     *
     * @return what keeps the view from being told: then only the truth was
     */
    Optional<String> tell(String topology, Assignment view, Alive alive) throws TException {
        Moment moment = moment(topology, alive);
        for (int i = 0; i < MOST_REPEATS; i++) {
            Optional<String> refusal = send(topology, view, moment);
            if (refusal.isPresent()) {
                return refusal;
            }
            Moment now = moment(topology, alive);
            if (now.equals(moment)) {
                unchecked = false;
                break;
            }
            moment = now;
        }
        return Optional.empty();
    }

    /**
     * The same where the next message follows within milliseconds: that one asks Nimbus as well, so that this one
     * need not ask twice. {@link #settled} has to come last.
     */
    Optional<String> tellInPassing(String topology, Assignment view, Alive alive) throws TException {
        return send(topology, view, moment(topology, alive));
    }

    /** Whether nothing changed before the last message that Nimbus was not asked for again. */
    boolean settled(String topology) throws TException {
        unchecked = unchecked && outdated(topology);
        return !unchecked;
    }

    private Optional<String> send(String topology, Assignment view, Moment moment) throws TException {
        Optional<String> refusal = moment.alive ? clash(moment.others, view) : Optional.of("topology " + topology + " is gone");
        if (refusal.isPresent()) {
            tell();
            return refusal;
        }
        Map<String, Assignment> message = new HashMap<>(moment.others);
        message.put(topology, view);
        supervisor.send(message);
        told = moment.others;
        unchecked = true;
        return refusal;
    }

    /** Whether other topologies changed since they were told last, so that Nimbus itself sent a message. */
    boolean outdated(String topology) throws TException {
        Map<String, Assignment> others = new HashMap<>(truth.of(node));
        others.remove(topology);
        return told != null && !told.equals(others);
    }

    private Moment moment(String topology, Alive alive) throws TException {
        Map<String, Assignment> others = new HashMap<>(truth.of(node));
        boolean here = others.remove(topology) != null;
        return new Moment(others, here || alive.anywhere());
    }

    /** A supervisor that is told of two topologies in one slot halts. */
    private Optional<String> clash(Map<String, Assignment> others, Assignment view) {
        Set<Integer> wanted = ports(view);
        for (Map.Entry<String, Assignment> other : others.entrySet()) {
            Set<Integer> both = new HashSet<>(ports(other.getValue()));
            both.retainAll(wanted);
            if (!both.isEmpty()) {
                return Optional.of("slots " + both + " of node " + node + " were given to " + other.getKey());
            }
        }
        return Optional.empty();
    }

    /** The slots that the supervisor would read from an assignment; to it, its own name is how a node's name begins. */
    private Set<Integer> ports(Assignment assignment) {
        Set<Integer> ports = new HashSet<>();
        assignment.get_executor_node_port().values().stream().filter(info -> info.get_node().startsWith(NumaNodes.supervisor(node)))
            .map(Names::place).map(Place::port).forEach(ports::add);
        return ports;
    }
}
