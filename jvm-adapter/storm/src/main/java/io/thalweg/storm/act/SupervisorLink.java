package io.thalweg.storm.act;

import io.thalweg.storm.cluster.NodeFacts;
import io.thalweg.storm.cluster.Refusals;
import io.thalweg.storm.cluster.StateLink;
import java.util.Map;
import java.util.Optional;
import org.apache.storm.generated.Assignment;
import org.apache.storm.generated.AuthorizationException;
import org.apache.storm.generated.NotAliveException;
import org.apache.storm.generated.SupervisorAssignments;
import org.apache.storm.thrift.TException;
import org.apache.storm.utils.SupervisorClient;

/** One connection to a supervisor, made anew when it breaks. */
final class SupervisorLink implements Supervisor {
    private final Map<String, Object> conf;
    private final StateLink state;
    private final NodeFacts node;
    private final Refusals refusals;
    private SupervisorClient client;

    SupervisorLink(Map<String, Object> conf, StateLink state, NodeFacts node, Refusals refusals) {
        this.refusals = refusals;
        this.state = state;
        this.conf = conf;
        this.node = node;
    }

    @Override
    public synchronized void send(Map<String, Assignment> assignments) throws TException {
        SupervisorAssignments message = new SupervisorAssignments();
        message.set_storm_assignment(assignments);
        attempt("sendSupervisorAssignments", () -> {
            client.getIface().sendSupervisorAssignments(message);
            return null;
        });
    }

    @Override
    public synchronized Optional<Assignment> held(String topology) throws TException {
        try {
            return Optional.of(attempt("getLocalAssignmentForStorm", () -> client.getIface().getLocalAssignmentForStorm(topology)));
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

    @SuppressWarnings("deprecation")
    private SupervisorClient connect(int port) throws TException {
        try {
            return SupervisorClient.Builder.withConf(conf).withHostName(node.host()).withPort(port).build();
        } catch (LinkageError e) {
            // Storm 2.5 has no builder, and no encrypted connections that would need one.
            return new SupervisorClient(conf, node.host(), port);
        }
    }

    private <T> T attempt(String name, Call<T> call) throws TException {
        try {
            if (client == null) {
                int port = state.thriftPort(node.id()).orElseThrow(() -> new TException(node.id() + " listens nowhere"));
                client = connect(port);
            }
            T answer = call.make();
            refusals.allowed(name);
            return answer;
        } catch (NotAliveException e) {
            throw e;
        } catch (AuthorizationException e) {
            refusals.note("the supervisor on " + node.host(), name, e);
            throw e;
        } catch (TException | RuntimeException e) {
            close();
            state.forget(node.id());
            throw e;
        }
    }
}
