package io.thalweg.storm;

import io.thalweg.bridge.SnapshotWriter;
import io.thalweg.shell.Visible;
import io.thalweg.storm.cluster.NodeFacts;
import io.thalweg.storm.cluster.Settings;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.apache.storm.Constants;
import org.apache.storm.DaemonConfig;
import org.apache.storm.generated.AuthorizationException;
import org.apache.storm.generated.ClusterSummary;
import org.apache.storm.generated.ExecutorSummary;
import org.apache.storm.generated.Nimbus;
import org.apache.storm.generated.NotAliveException;
import org.apache.storm.generated.SupervisorSummary;
import org.apache.storm.generated.TopologySummary;
import org.apache.storm.generated.WorkerSummary;
import org.apache.storm.scheduler.TopologyDetails;
import org.apache.storm.thrift.TException;

/**
 * Looks at a cluster from beside, by calls to Nimbus that change nothing, and writes what the monitor in Nimbus would have.
 * Racks, round trips and clocks are not known from here, nor which ports free slots have.
 */
final class Outside implements AutoCloseable {
    private static final String OUR_SCHEDULER = ThalwegScheduler.class.getName();

    private final Questions questions;
    private final Graphs graphs = new Graphs();
    private final SnapshotWriter writer = new SnapshotWriter();
    /** By the topology that it is about, empty for the cluster: what cannot be read, and why. */
    private final Map<String, Set<String>> findings = new TreeMap<>();

    /** What one look came to: an encoded snapshot, and by topology what cannot be read. */
    record Look(byte[] observation, Map<String, Set<String>> findings) { }

    /** A topology as it was read; without details where it could not be. */
    private record Seen(TopologySummary summary, TopologyDetails details, List<ExecutorSummary> executors) { }

    Outside(Questions questions) {
        this.questions = questions;
    }

    /** The cluster in brief. */
    ClusterSummary cluster() throws TException {
        return questions.ask("getClusterInfo", "", Nimbus.Iface::getClusterInfo);
    }

    /** Nimbus's own configuration; empty where it may not be read. */
    Map<String, Object> conf() throws TException {
        try {
            return Graphs.conf(questions.ask("getNimbusConf", "", Nimbus.Iface::getNimbusConf));
        } catch (AuthorizationException e) {
            find("", e.get_msg());
            return Map.of();
        }
    }

    /** Whether Thalweg is the scheduler there, as far as Nimbus tells. */
    boolean hasThalweg() throws TException {
        return isThalweg(conf());
    }

    /** Whether a Nimbus of this configuration has Thalweg as its scheduler. */
    static boolean isThalweg(Map<String, Object> conf) {
        return OUR_SCHEDULER.equals(conf.get(DaemonConfig.STORM_SCHEDULER));
    }

    /**
     * Looks once.
     *
     * @throws TException if nobody answers, or the cluster as a whole may not be read
     */
    Look look(long now) throws TException {
        findings.clear();
        Map<String, Object> conf = conf();
        boolean keptApart = Delegate.keepsApartAs(String.valueOf(conf.get(DaemonConfig.STORM_SCHEDULER)), conf);
        if (isThalweg(conf)) {
            find("", "Thalweg is the scheduler there: beside its Nimbus, thalweg status tells what it sees and does itself");
        }
        ClusterSummary cluster = cluster();
        List<Seen> seen = topologies(cluster);
        Map<String, NodeFacts> nodes = nodes(cluster.get_supervisors(), seen, conf.get(DaemonConfig.SUPERVISOR_SLOTS_PORTS));
        writer.begin(now);
        NodesWriter slots = new NodesWriter(writer, nodes, node -> Double.NaN);
        seen.forEach(one -> write(one, slots, keptApart));
        Set<String> ids = cluster.get_topologies().stream().map(TopologySummary::get_id).collect(Collectors.toSet());
        graphs.keep(ids);
        questions.denials().keep(ids);
        ByteBuffer encoded = writer.finish();
        byte[] bytes = new byte[writer.length()];
        encoded.get(bytes);
        return new Look(bytes, new TreeMap<>(findings));
    }

    private List<Seen> topologies(ClusterSummary cluster) throws TException {
        List<TopologySummary> summaries = new ArrayList<>(cluster.get_topologies());
        summaries.sort(Comparator.comparing(TopologySummary::get_id));
        List<Seen> seen = new ArrayList<>();
        for (TopologySummary summary : summaries) {
            try {
                List<ExecutorSummary> listed = questions.info(summary.get_id()).get_executors();
                Graphs.Whole whole = graphs.of(summary, listed, questions);
                seen.add(new Seen(summary, whole.details(), whole.executors()));
            } catch (NotAliveException e) {
                // It ended meanwhile.
                continue;
            } catch (TException | RuntimeException e) {
                // A topology that cannot be read, or may not be, is left alone; the others are judged.
                questions.requireAnswers(e);
                find(summary.get_id(), e instanceof AuthorizationException refusal ? refusal.get_msg() : "cannot be read: " + e);
                seen.add(new Seen(summary, null, List.of()));
            }
        }
        return seen;
    }

    private Map<String, NodeFacts> nodes(List<SupervisorSummary> supervisors, List<Seen> seen, Object configured) throws TException {
        Map<String, Set<Integer>> byHost = new HashMap<>();
        seen.forEach(one -> one.executors.stream().filter(executor -> executor.get_port() > 0).forEach(executor ->
            byHost.computeIfAbsent(executor.get_host(), host -> new TreeSet<>()).add(executor.get_port())));
        Ports ports = new Ports(configured);
        byHost.forEach((host, used) -> used.forEach(port -> ports.use(host, port)));
        Set<String> hosts = new HashSet<>();
        Set<String> shared = supervisors.stream().map(SupervisorSummary::get_host).filter(host -> !hosts.add(host)).collect(Collectors.toSet());
        Map<String, NodeFacts> nodes = new HashMap<>();
        List<SupervisorSummary> sorted = new ArrayList<>(supervisors);
        sorted.sort(Comparator.comparing(SupervisorSummary::get_supervisor_id));
        for (SupervisorSummary one : sorted) {
            Set<Integer> used = shared.contains(one.get_host()) ? ownPorts(one) : byHost.getOrDefault(one.get_host(), Set.of());
            nodes.put(one.get_supervisor_id(), new NodeFacts(one.get_supervisor_id(), one.get_host(), "",
                ports.of(one.get_host(), used, one.get_num_workers()), resource(one, Constants.COMMON_CPU_RESOURCE_NAME),
                resource(one, Constants.COMMON_TOTAL_MEMORY_RESOURCE_NAME), one.is_blacklisted()));
        }
        return nodes;
    }

    /** The ports that one of several supervisors of a host has in use: statistics of executors name the host alone. */
    private Set<Integer> ownPorts(SupervisorSummary one) throws TException {
        try {
            return questions.ask("getSupervisorPageInfo", "", nimbus -> nimbus.getSupervisorPageInfo(one.get_supervisor_id(), null, true))
                .get_worker_summaries().stream().map(WorkerSummary::get_port).collect(Collectors.toCollection(TreeSet::new));
        } catch (AuthorizationException e) {
            find("", e.get_msg() + "; until then nobody knows which of the supervisors of " + Visible.text(one.get_host())
                + " runs what");
            return Set.of();
        }
    }

    private static double resource(SupervisorSummary node, String name) {
        Map<String, Double> all = node.get_total_resources();
        return all == null ? Double.NaN : all.getOrDefault(name, Double.NaN);
    }

    private void write(Seen seen, NodesWriter slots, boolean keptApart) {
        TopologySummary summary = seen.summary;
        if (seen.details == null) {
            writer.topology(summary.get_id(), summary.get_name(), Monitor.status(summary.get_status()), summary.get_num_workers(),
                Settings.messageTimeoutMillis(Map.of()));
            writer.obstacle(SnapshotWriter.Obstacle.UNREADABLE);
            return;
        }
        TopologyShape shape = TopologyShape.of(seen.details);
        shape.write(writer, seen.details, Monitor.status(summary.get_status()), Counters.emitted(seen.executors));
        if (keptApart) {
            writer.obstacle(SnapshotWriter.Obstacle.KEPT_APART);
        }
        Monitor.writeExecutors(writer, shape, seen.executors, slots);
    }

    private void find(String about, String text) {
        findings.computeIfAbsent(about, a -> new TreeSet<>()).add(text);
    }

    @Override
    public void close() {
        questions.close();
    }
}
