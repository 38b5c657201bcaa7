package io.thalweg.storm.cluster;

import io.thalweg.shell.ClusterNote;
import io.thalweg.shell.Leadership;
import java.nio.charset.StandardCharsets;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.apache.storm.cluster.ClusterStateContext;
import org.apache.storm.cluster.ClusterUtils;
import org.apache.storm.cluster.DaemonType;
import org.apache.storm.cluster.IStateStorage;
import org.apache.storm.nimbus.NimbusInfo;
import org.apache.storm.shade.org.apache.zookeeper.data.ACL;
import org.apache.storm.utils.ConfigUtils;
import org.apache.storm.utils.Utils;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What all Nimbuses agree on in ZooKeeper: which of them leads, and Thalweg's note of what is unfinished. Safe to share.
 *
 * <p>Nimbuses queue for leadership with a node each, whose names end in a number that grows with every node ever made.
 * The lowest of those there are leads; as whoever queues anew goes to the end, its number grows with every change.
 */
public final class Coordination implements Leadership, ClusterNote, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Coordination.class);
    private static final String QUEUE = "/leader-lock";
    private static final String FOLDER = "/thalweg";
    private static final String NOTE = FOLDER + "/unfinished";
    private static final String TERM_BASE = FOLDER + "/term-base";

    private final Map<String, Object> conf;
    private final String self;
    private IStateStorage storage;
    private List<ACL> acls;
    private boolean failing;
    private boolean closed;

    /** Makes a link that connects when first used. */
    public Coordination(Map<String, Object> conf) {
        this.conf = conf;
        this.self = NimbusInfo.fromConf(conf).toHostPortString();
    }

    @Override
    public synchronized OptionalLong term() {
        try {
            if (!storage().node_exists(QUEUE, false)) {
                // Within one process, as in tests of topologies, there is only one Nimbus and nothing to queue for. In a new
                // cluster nobody has queued yet.
                return ConfigUtils.isLocalMode(conf) ? OptionalLong.of(0) : OptionalLong.empty();
            }
            Optional<String> first = storage().get_children(QUEUE, false).stream().min(Comparator.comparingLong(Coordination::number));
            boolean ours = first.isPresent() && self.equals(text(storage().get_data(QUEUE + "/" + first.get(), false)));
            failing = false;
            return ours ? OptionalLong.of(number(first.get()) + 1) : OptionalLong.empty();
        } catch (Exception e) {
            if (Utils.exceptionCauseIsInstanceOf(InterruptedException.class, e)) {
                Thread.currentThread().interrupt();
            }
            if (!failing) {
                LOG.warn("nobody can tell which Nimbus leads: {}", e.toString());
                failing = true;
            }
            return OptionalLong.empty();
        }
    }

    @Override
    public synchronized Optional<String> read() throws Exception {
        return kept(NOTE);
    }

    @Override
    public synchronized void write(String json) throws Exception {
        keep(NOTE, json);
    }

    @Override
    public synchronized long termBase() throws Exception {
        return kept(TERM_BASE).map(Long::parseLong).orElse(0L);
    }

    @Override
    public synchronized void keepTermBase(long base) throws Exception {
        keep(TERM_BASE, Long.toString(base));
    }

    @Override
    public synchronized void clear() throws Exception {
        if (storage().node_exists(NOTE, false)) {
            storage().delete_node(NOTE);
        }
    }

    @Override
    public synchronized void close() {
        closed = true;
        if (storage != null) {
            storage.close();
            storage = null;
        }
    }

    private IStateStorage storage() throws Exception {
        if (closed) {
            throw new IllegalStateException("the link is closed");
        }
        if (storage == null) {
            ClusterStateContext context = new ClusterStateContext(DaemonType.NIMBUS, conf);
            acls = context.getDefaultZkAcls();
            storage = ClusterUtils.mkStateStorage(conf, conf, context);
        }
        return storage;
    }

    private Optional<String> kept(String node) throws Exception {
        byte[] data = storage().node_exists(node, false) ? storage().get_data(node, false) : null;
        return Optional.ofNullable(text(data)).filter(text -> !text.isEmpty());
    }

    private void keep(String node, String text) throws Exception {
        storage().mkdirs(FOLDER, acls);
        storage().set_data(node, text.getBytes(StandardCharsets.UTF_8), acls);
    }

    private static String text(byte[] data) {
        return data == null ? null : new String(data, StandardCharsets.UTF_8);
    }

    /** The number at the end of a node's name. */
    private static long number(String node) {
        return Long.parseLong(node.substring(node.lastIndexOf('-') + 1));
    }
}
