package io.thalweg.storm.act;

import io.thalweg.shell.Place;
import io.thalweg.shell.TaskRange;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.storm.generated.Assignment;
import org.apache.storm.generated.NodeInfo;
import org.apache.storm.generated.WorkerResources;
import org.apache.storm.thrift.TException;

/**
 * Nimbus and its supervisors in one: what Nimbus holds can change before any call, and it tells the supervisors of
 * what changed, behind all messages that were sent before. All that anybody was told is kept.
 */
final class FakeNimbus implements Truth {
    private final Map<String, Assignment> held = new TreeMap<>();
    private final Map<String, FakeSupervisor> supervisors = new TreeMap<>();
    private final List<Message> messages = new ArrayList<>();
    private Runnable beforeEachCall = () -> { };
    private boolean leads = true;

    /** One message of ours, and what Nimbus held for its node when it was last asked before. */
    record Message(String node, Map<String, Assignment> content, Map<String, Assignment> asked) { }

    FakeNimbus(String... nodes) {
        for (String node : nodes) {
            supervisors.put(node, new FakeSupervisor(node));
        }
    }

    /** What happens before any call is answered. */
    void beforeEachCall(Runnable action) {
        beforeEachCall = action;
    }

    void leads(boolean now) {
        leads = now;
    }

    /** Changes what Nimbus holds, null for a topology that was killed, and tells all supervisors. */
    synchronized void change(String topology, Assignment assignment) {
        if (assignment == null) {
            held.remove(topology);
        } else {
            held.put(topology, assignment);
        }
        supervisors.values().forEach(supervisor -> supervisor.holds = truth(supervisor.node));
    }

    /** As a supervisor does each ten seconds. */
    synchronized void sync(String node) {
        supervisors.get(node).holds = truth(node);
    }

    synchronized List<Message> messages() {
        return List.copyOf(messages);
    }

    synchronized Map<String, Assignment> holds(String node) {
        return supervisors.get(node).holds;
    }

    synchronized Map<String, Assignment> truth(String node) {
        Map<String, Assignment> some = new HashMap<>(held);
        some.values().removeIf(assignment -> !assignment.get_node_host().containsKey(node));
        return some;
    }

    Map<String, Supervisor> supervisors() {
        return new TreeMap<>(supervisors);
    }

    FakeSupervisor supervisor(String node) {
        return supervisors.get(node);
    }

    @Override
    public synchronized Map<String, Assignment> of(String node) throws TException {
        beforeEachCall.run();
        if (!leads) {
            throw new TException("no leader");
        }
        Map<String, Assignment> answer = truth(node);
        supervisors.get(node).asked = answer;
        return new HashMap<>(answer);
    }

    /** A supervisor that takes what it is told at once. */
    final class FakeSupervisor implements Supervisor {
        private final String node;
        private Map<String, Assignment> holds = Map.of();
        private Map<String, Assignment> asked = Map.of();
        private boolean refuses;
        private int calls;

        FakeSupervisor(String node) {
            this.node = node;
        }

        void refuses(boolean now) {
            refuses = now;
        }

        int calls() {
            synchronized (FakeNimbus.this) {
                return calls;
            }
        }

        @Override
        public void send(Map<String, Assignment> assignments) throws TException {
            synchronized (FakeNimbus.this) {
                calls++;
                beforeEachCall.run();
                if (refuses) {
                    throw new TException("refused");
                }
                holds = Map.copyOf(assignments);
                messages.add(new Message(node, holds, asked));
            }
        }

        @Override
        public Optional<Assignment> held(String topology) throws TException {
            synchronized (FakeNimbus.this) {
                calls++;
                beforeEachCall.run();
                if (refuses) {
                    throw new TException("refused");
                }
                return Optional.ofNullable(holds.get(topology));
            }
        }

        @Override
        public void close() { }
    }

    /** An assignment with these executors. */
    static Assignment assignment(Map<TaskRange, Place> placement) {
        Assignment assignment = new Assignment("code");
        Map<List<Long>, NodeInfo> keys = new HashMap<>();
        Map<NodeInfo, WorkerResources> resources = new HashMap<>();
        Map<String, String> hosts = new HashMap<>();
        placement.forEach((range, place) -> {
            keys.put(new ArrayList<>(Names.id(range)), Names.info(place));
            resources.put(Names.info(place), new WorkerResources());
            hosts.put(place.node(), "host-" + place.node());
        });
        assignment.set_executor_node_port(keys);
        assignment.set_worker_resources(resources);
        assignment.set_node_host(hosts);
        assignment.set_executor_start_time_secs(new HashMap<>());
        return assignment;
    }

    /** An assignment of one executor. */
    static Assignment at(String node, int port) {
        return assignment(Map.of(new TaskRange(1, 1), new Place(node, port)));
    }
}
