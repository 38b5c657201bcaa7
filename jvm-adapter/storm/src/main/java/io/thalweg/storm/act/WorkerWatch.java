package io.thalweg.storm.act;

import io.thalweg.shell.Place;
import io.thalweg.shell.TaskRange;
import io.thalweg.storm.cluster.NodeFacts;
import io.thalweg.storm.cluster.StateLink;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.storm.generated.ClusterWorkerHeartbeat;

/** Tells when new workers are up: their port answers, and their executors have reported since the watch began. */
final class WorkerWatch {
    private static final int CONNECT_MILLIS = 300;

    private final StateLink state;
    private final String topology;
    private final Map<String, NodeFacts> nodes;
    private final Set<Place> all;
    private final Map<Place, Set<TaskRange>> awaited;
    private final Map<Place, ClusterWorkerHeartbeat> stale = new TreeMap<>();

    WorkerWatch(StateLink state, String topology, Map<String, NodeFacts> nodes, Map<Place, Set<TaskRange>> workers) {
        this.state = state;
        this.topology = topology;
        this.nodes = nodes;
        this.all = Set.copyOf(workers.keySet());
        this.awaited = new TreeMap<>(workers);
        for (Place place : workers.keySet()) {
            ClusterWorkerHeartbeat left = heartbeat(place);
            if (left != null) {
                stale.put(place, left);
            }
        }
    }

    /** Whether all are up by now. */
    boolean allUp() {
        awaited.entrySet().removeIf(worker -> up(worker.getKey(), worker.getValue()));
        return awaited.isEmpty();
    }

    /** Whether all answer at this moment; a worker that was up may have been restarted since. */
    boolean allAnswer() {
        return all.stream().allMatch(this::answers);
    }

    /** The workers still missing. */
    Set<Place> missing() {
        return awaited.keySet();
    }

    private boolean up(Place place, Set<TaskRange> executors) {
        ClusterWorkerHeartbeat beat = heartbeat(place);
        if (beat == null || beat.equals(stale.get(place))) {
            return false;
        }
        Set<TaskRange> reported = new TreeSet<>();
        beat.get_executor_stats().keySet().forEach(e -> reported.add(new TaskRange(e.get_task_start(), e.get_task_end())));
        return reported.containsAll(executors) && answers(place);
    }

    private boolean answers(Place place) {
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress(nodes.get(place.node()).host(), place.port()), CONNECT_MILLIS);
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    private ClusterWorkerHeartbeat heartbeat(Place place) {
        return state.heartbeat(topology, place.node(), place.port());
    }
}
