package io.thalweg.storm;

import io.thalweg.shell.Visible;
import io.thalweg.storm.cluster.Refusals;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.LongSupplier;
import org.apache.storm.generated.AuthorizationException;

/**
 * Calls that Nimbus refuses to whoever looks from beside: each is not made again for a while, and said with what allows it.
 */
final class Denials {
    /** What needs more than reading. */
    private static final String CHANGE = "rebalance";

    private final LongSupplier clock;
    private final Map<Asked, Denial> denied = new HashMap<>();

    /** A call, and the topology that it is about; empty where it is about none. */
    private record Asked(String call, String topology) { }

    private record Denial(long at, String text) {
        AuthorizationException refusal() {
            return new AuthorizationException(text);
        }
    }

    Denials(LongSupplier clock) {
        this.clock = clock;
    }

    /**
     * Says whether a call may be made now.
     *
     * @throws AuthorizationException if Nimbus refused this call a short time ago
     */
    void require(String call, String topology) throws AuthorizationException {
        Denial denial = denied.get(new Asked(call, topology));
        if (denial != null && clock.getAsLong() - denial.at < Refusals.PAUSE_MILLIS) {
            throw denial.refusal();
        }
    }

    /** Notes that a call was refused; says so for people. */
    AuthorizationException note(String call, String topology, AuthorizationException refusal) {
        String text = "Nimbus refuses " + call + " (" + Visible.text(refusal.get_msg()) + "): " + remedy(call, topology);
        Denial denial = new Denial(clock.getAsLong(), text);
        denied.put(new Asked(call, topology), denial);
        return denial.refusal();
    }

    /** Notes that a call was answered. */
    void allowed(String call, String topology) {
        denied.remove(new Asked(call, topology));
    }

    /** Forgets all topologies but these. */
    void keep(Set<String> topologies) {
        denied.keySet().removeIf(asked -> !asked.topology.isEmpty() && !topologies.contains(asked.topology));
    }

    private static String remedy(String call, String topology) {
        String who = "who runs this has to stand in nimbus.admins";
        if (topology.isEmpty()) {
            return who + " or, where that is set, nimbus.users";
        }
        String readers = call.equals(CHANGE) ? "topology.users" : "topology.users or topology.readonly.users";
        return who + ", or in " + readers + " of this topology";
    }
}
