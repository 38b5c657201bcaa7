package io.thalweg.storm.cluster;

import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;
import org.apache.storm.generated.AuthorizationException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Calls that a secured cluster refuses: each is named once, with what allows it, and an action that would need it is not
 * begun again for a while. Safe to share.
 */
public final class Refusals {
    private static final Logger LOG = LoggerFactory.getLogger(Refusals.class);

    /** Whoever allows a call mostly restarts a daemon for it, so that a look each few minutes is soon enough. */
    public static final long PAUSE_MILLIS = 600_000;

    private final LongSupplier clock;
    private final Map<String, Long> refusedAt = new ConcurrentHashMap<>();

    /** Knows of no refusal. */
    public Refusals() {
        this(System::currentTimeMillis);
    }

    Refusals(LongSupplier clock) {
        this.clock = clock;
    }

    /** Notes that a call of this name was refused by whom; says so once. */
    public void note(String by, String call, AuthorizationException refusal) {
        if (refusedAt.put(call, clock.getAsLong()) == null) {
            LOG.error("{} refuses {} ({}): {}", by, call, refusal.get_msg(), remedy(call));
        }
    }

    /** Notes that a call was answered. */
    public void allowed(String call) {
        if (refusedAt.remove(call) != null) {
            LOG.info("{} is allowed now", call);
        }
    }

    /** How long ago, in milliseconds, one of these calls was refused, if that is too short a time to try it again. */
    public OptionalLong recent(Iterable<String> calls) {
        for (String call : calls) {
            Long at = refusedAt.get(call);
            if (at != null && clock.getAsLong() - at < PAUSE_MILLIS) {
                return OptionalLong.of(clock.getAsLong() - at);
            }
        }
        return OptionalLong.empty();
    }

    /** What allows a call. */
    public static String remedy(String call) {
        String admins = "the principal that Nimbus logs in with as a client has to stand in nimbus.admins";
        return switch (call) {
            case "sendSupervisorAssignments", "getLocalAssignmentForStorm" -> admins + " of every supervisor's storm.yaml";
            case "getTopologySummaries" -> admins + " or, where that is set, nimbus.users";
            case "getTopologyInfoWithOpts", "rebalance", "activate", "deactivate" ->
                admins + " or in topology.users of every topology that is to be led";
            default -> admins;
        };
    }
}
