package io.thalweg.storm.cluster;

import java.util.HashMap;
import java.util.Map;
import org.apache.storm.Config;
import org.apache.storm.generated.Assignment;
import org.apache.storm.generated.AuthorizationException;
import org.apache.storm.generated.GetInfoOptions;
import org.apache.storm.generated.Nimbus;
import org.apache.storm.generated.NumErrorsChoice;
import org.apache.storm.generated.SupervisorAssignments;
import org.apache.storm.generated.TopologyInfo;
import org.apache.storm.nimbus.NimbusInfo;
import org.apache.storm.thrift.TApplicationException;
import org.apache.storm.thrift.TException;
import org.apache.storm.thrift.transport.TTransportException;
import org.apache.storm.utils.NimbusClient;
import org.apache.storm.utils.ObjectReader;

/**
 * One connection to Nimbus, made anew when it breaks; safe to share, one call at a time.
 *
 * <p>Within Nimbus it leads to the one that this runs in: only who leads asks anything, so nobody else has to be found.
 * Looking for the leader among {@code nimbus.seeds} would wait there for one that stands still: it accepts connections and
 * never answers.
 */
public final class NimbusLink implements AutoCloseable {
    /** A call on Nimbus's own interface. */
    @FunctionalInterface
    public interface Call<T> {
        /** Makes the call. */
        T on(Nimbus.Iface nimbus) throws TException;
    }

    /** Where {@code storm.thrift.socket.timeout.ms} is not set, Storm itself would wait for ever. */
    private static final int LONGEST_CALL_MILLIS = 30_000;

    private final Map<String, Object> conf;
    private final Refusals refusals;
    private final Connect connect;
    private NimbusClient client;

    /** A way to get a connection. */
    @FunctionalInterface
    private interface Connect {
        NimbusClient by(Map<String, Object> conf) throws TTransportException;
    }

    /** Makes a link to the Nimbus that this runs in, which connects when first used. */
    public NimbusLink(Map<String, Object> conf, Refusals refusals) {
        this(conf, refusals, NimbusLink::connect);
    }

    private NimbusLink(Map<String, Object> conf, Refusals refusals, Connect connect) {
        this.conf = conf;
        this.refusals = refusals;
        this.connect = connect;
    }

    /**
     * Makes a link to whichever Nimbus leads, for a process of its own. The configuration has to bound the time that a call
     * may take, as {@link #bounded} does.
     */
    public static NimbusLink toLeader(Map<String, Object> conf, Refusals refusals) {
        return new NimbusLink(conf, refusals, NimbusLink::leader);
    }

    /** The configuration of a client that tries once, and does not wait for ever. */
    public static Map<String, Object> bounded(Map<String, Object> conf) {
        Map<String, Object> bounded = new HashMap<>(conf);
        if (bounded.get(Config.STORM_THRIFT_SOCKET_TIMEOUT_MS) == null) {
            bounded.put(Config.STORM_THRIFT_SOCKET_TIMEOUT_MS, LONGEST_CALL_MILLIS);
        }
        // Whoever looks again and again need not try again and again at each look.
        bounded.put(Config.STORM_NIMBUS_RETRY_TIMES, 1);
        return bounded;
    }

    /** The calls that were refused. */
    public Refusals refusals() {
        return refusals;
    }

    /**
     * Makes one call of this name; a broken connection is dropped, so that the next call makes a new one. A refusal is
     * noted: it costs no connection, and another would not help.
     */
    public <T> T call(String name, Call<T> call) throws TException {
        try {
            T answer = make(call);
            refusals.allowed(name);
            return answer;
        } catch (AuthorizationException e) {
            refusals.note("Nimbus", name, e);
            throw e;
        }
    }

    private synchronized <T> T make(Call<T> call) throws TException {
        try {
            if (client == null) {
                client = connect.by(conf);
            }
            return call.on(client.getClient());
        } catch (TTransportException | TApplicationException | RuntimeException e) {
            // One that leads no more answers every call with an exception; the next connection finds who does.
            close();
            throw e;
        }
    }

    /**
     * What Nimbus holds for a node: all assignments with a worker there. One that does not lead answers nothing, which
     * is a failure: to a supervisor, no assignment means to end all workers.
     */
    public Map<String, Assignment> assignments(String node) throws TException {
        SupervisorAssignments held = call("getSupervisorAssignments", nimbus -> nimbus.getSupervisorAssignments(node));
        if (held == null || !held.is_set_storm_assignment()) {
            close();
            throw new TException("Nimbus does not tell what node " + node + " is to run");
        }
        return new HashMap<>(held.get_storm_assignment());
    }

    /** The executors of a topology with their statistics. */
    public TopologyInfo info(String topology) throws TException {
        return call("getTopologyInfoWithOpts", infoOf(topology));
    }

    /** The call that gets the executors of a topology with their statistics, without the errors of its components. */
    public static Call<TopologyInfo> infoOf(String topology) {
        GetInfoOptions options = new GetInfoOptions();
        options.set_num_err_choice(NumErrorsChoice.NONE);
        return nimbus -> nimbus.getTopologyInfoWithOpts(topology, options);
    }

    /**
     * Sees to it that a failed call is no sign of a Nimbus that is gone: one that refuses has answered, and of any other
     * it is asked something that costs nothing.
     *
     * @throws TException if it does not answer that either
     */
    public void requireAnswers(Exception failure) throws TException {
        if (failure instanceof AuthorizationException) {
            return;
        }
        try {
            call("getLeader", Nimbus.Iface::getLeader);
        } catch (AuthorizationException e) {
            // That is an answer as well.
        }
    }

    /** By the constructor that every line of Storm has; the builder is missing in Storm 2.5. */
    @SuppressWarnings("deprecation")
    private static NimbusClient connect(Map<String, Object> conf) throws TTransportException {
        if (NimbusClient.isLocalOverride()) {
            // A local cluster has its Nimbus in this process.
            return NimbusClient.getConfiguredClient(conf);
        }
        NimbusInfo own = NimbusInfo.fromConf(conf);
        int timeout = ObjectReader.getInt(conf.get(Config.STORM_THRIFT_SOCKET_TIMEOUT_MS), LONGEST_CALL_MILLIS);
        return new NimbusClient(conf, own.getHost(), own.getPort(), timeout);
    }

    /** By Storm's own search among {@code nimbus.seeds}; its builder is missing in Storm 2.5. */
    @SuppressWarnings("deprecation")
    private static NimbusClient leader(Map<String, Object> conf) {
        return NimbusClient.getConfiguredClient(conf);
    }

    @Override
    public synchronized void close() {
        if (client != null) {
            client.close();
            client = null;
        }
    }
}
