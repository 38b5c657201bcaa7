package io.thalweg.storm.cluster;

import java.util.Map;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.storm.cluster.ClusterStateContext;
import org.apache.storm.cluster.ClusterUtils;
import org.apache.storm.cluster.DaemonType;
import org.apache.storm.cluster.IStormClusterState;
import org.apache.storm.generated.ClusterWorkerHeartbeat;
import org.apache.storm.generated.SupervisorInfo;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What only ZooKeeper knows: where supervisors listen, and which workers have reported. Safe to share. */
public final class StateLink implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(StateLink.class);

    private final Map<String, Object> conf;
    private final Map<String, Integer> ports = new ConcurrentHashMap<>();
    private IStormClusterState state;

    /** Makes a link that connects when first used. */
    public StateLink(Map<String, Object> conf) {
        this.conf = conf;
    }

    /** Where a supervisor takes assignments; a scheduling round is not told. */
    public OptionalInt thriftPort(String node) {
        Integer known = ports.get(node);
        if (known != null) {
            return OptionalInt.of(known);
        }
        try {
            SupervisorInfo info = state().supervisorInfo(node);
            if (info != null && info.is_set_server_port()) {
                ports.put(node, info.get_server_port());
                return OptionalInt.of(info.get_server_port());
            }
        } catch (Exception e) {
            LOG.warn("cannot read where supervisor {} listens: {}", node, e.toString());
        }
        return OptionalInt.empty();
    }

    /** When a supervisor reported last, in seconds by its own clock; empty where it did not, or where that cannot be read. */
    public OptionalLong reportedAt(String node) {
        try {
            SupervisorInfo info = state().supervisorInfo(node);
            return info == null || !info.is_set_time_secs() ? OptionalLong.empty() : OptionalLong.of(info.get_time_secs());
        } catch (Exception e) {
            LOG.debug("cannot read when supervisor {} reported", node, e);
            return OptionalLong.empty();
        }
    }

    /** Reads the port anew next time; a supervisor that restarts may listen elsewhere. */
    public void forget(String node) {
        ports.remove(node);
    }

    /** What a worker reported last; null if it never did. */
    public ClusterWorkerHeartbeat heartbeat(String topology, String node, int port) {
        try {
            return state().getWorkerHeartbeat(topology, node, (long) port);
        } catch (Exception e) {
            LOG.debug("no heartbeat of {}:{}", node, port, e);
            return null;
        }
    }

    @Override
    public synchronized void close() {
        if (state != null) {
            state.disconnect();
            state = null;
        }
    }

    private synchronized IStormClusterState state() throws Exception {
        if (state == null) {
            state = ClusterUtils.mkStormClusterState(conf, new ClusterStateContext(DaemonType.NIMBUS, conf));
        }
        return state;
    }
}
