package io.thalweg.storm.act;

import io.thalweg.storm.cluster.NodeFacts;
import io.thalweg.storm.cluster.StateLink;
import java.util.Map;
import java.util.Optional;
import org.apache.storm.generated.Assignment;
import org.apache.storm.generated.NotAliveException;
import org.apache.storm.generated.SupervisorAssignments;
import org.apache.storm.thrift.TException;
import org.apache.storm.utils.SupervisorClient;

/** One connection to a supervisor, made anew when it breaks. */
final class SupervisorLink implements AutoCloseable {
    private final Map<String, Object> conf;
    private final StateLink state;
    private final NodeFacts node;
    private SupervisorClient client;

    SupervisorLink(Map<String, Object> conf, StateLink state, NodeFacts node) {
        this.state = state;
        this.conf = conf;
        this.node = node;
    }

    /** Replaces all that the supervisor holds. */
    synchronized void send(Map<String, Assignment> assignments) throws TException {
        SupervisorAssignments message = new SupervisorAssignments();
        message.set_storm_assignment(assignments);
        attempt(() -> {
            client.getIface().sendSupervisorAssignments(message);
            return null;
        });
    }

    /** What the supervisor holds for a topology. */
    synchronized Optional<Assignment> held(String topology) throws TException {
        try {
            return Optional.of(attempt(() -> client.getIface().getLocalAssignmentForStorm(topology)));
        } catch (NotAliveException e) {
            return Optional.empty();
        }
    }

    @Override
    public synchronized void close() {
        if (client != null) {
            client.close();
            client = null;
        }
    }

    @FunctionalInterface
    private interface Call<T> {
        T make() throws TException;
    }

    private <T> T attempt(Call<T> call) throws TException {
        try {
            if (client == null) {
                int port = state.thriftPort(node.id()).orElseThrow(() -> new TException(node.id() + " listens nowhere"));
                client = SupervisorClient.Builder.withConf(conf).withHostName(node.host()).withPort(port).build();
            }
            return call.make();
        } catch (NotAliveException e) {
            throw e;
        } catch (TException | RuntimeException e) {
            close();
            state.forget(node.id());
            throw e;
        }
    }
}
