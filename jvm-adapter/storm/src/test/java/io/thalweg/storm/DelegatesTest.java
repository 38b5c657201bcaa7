package io.thalweg.storm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.thalweg.shell.Engine;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.storm.Config;
import org.apache.storm.DaemonConfig;
import org.apache.storm.metric.StormMetricsRegistry;
import org.apache.storm.scheduler.Cluster;
import org.apache.storm.scheduler.DefaultScheduler;
import org.apache.storm.scheduler.ExecutorDetails;
import org.apache.storm.scheduler.IScheduler;
import org.apache.storm.scheduler.IsolationScheduler;
import org.apache.storm.scheduler.TopologyDetails;
import org.apache.storm.scheduler.WorkerSlot;
import org.apache.storm.scheduler.multitenant.MultitenantScheduler;
import org.apache.storm.scheduler.resource.ResourceAwareScheduler;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Storm's own schedulers behind Thalweg, each with the keys that it is used for. */
class DelegatesTest {
    private static final Map<String, Double> NODE =
        Map.of(Config.SUPERVISOR_CPU_CAPACITY, 400.0, Config.SUPERVISOR_MEMORY_CAPACITY_MB, 4096.0);
    private static final List<Class<? extends IScheduler>> ALL = List.of(DefaultScheduler.class, ResourceAwareScheduler.class,
        MultitenantScheduler.class, IsolationScheduler.class, StormsOwnTest.Named.class);

    @TempDir
    Path folder;

    private final TopologyDetails words = Synthetic.topology("words", 2, 1, 4);
    private final TopologyDetails alone = isolated(Synthetic.topology("alone", 2, 1, 4));

    @Test
    void whatThalwegLeavesIsPlacedAsByTheSchedulerAlone() throws Exception {
        for (Class<? extends IScheduler> delegate : ALL) {
            Map<String, Object> conf = conf(delegate, Map.of());
            Cluster behind = Synthetic.cluster(3, 4, NODE, words);
            schedule(conf, behind);
            Cluster bare = Synthetic.cluster(3, 4, NODE, words);
            IScheduler own = delegate.getDeclaredConstructor().newInstance();
            own.prepare(conf, new StormMetricsRegistry());
            own.schedule(bare.getTopologies(), bare);
            assertEquals(sizes(bare), sizes(behind), delegate.getName());
            assertTrue(behind.getUnassignedExecutors(words).isEmpty(), delegate.getName());
        }
    }

    @Test
    void isolatedTopologiesHaveTheirMachinesToThemselves() throws Exception {
        Map<String, Object> conf = conf(IsolationScheduler.class, Map.of(DaemonConfig.ISOLATION_SCHEDULER_MACHINES, Map.of("alone", 1)));
        assertApart(conf);
    }

    @Test
    void usersPoolsHaveTheirMachinesToThemselves() throws Exception {
        Map<String, Object> conf = conf(MultitenantScheduler.class, Map.of(DaemonConfig.MULTITENANT_SCHEDULER_USER_POOLS, Map.of("user", 2)));
        assertApart(conf);
    }

    @Test
    void guaranteedSharesAreLeftToTheSchedulerThatGuaranteesThem() {
        Map<String, Object> pools = Map.of("user", Map.of("cpu", 400, "memory", 4096));
        Map<String, Object> conf = conf(ResourceAwareScheduler.class, Map.of(DaemonConfig.RESOURCE_AWARE_SCHEDULER_USER_POOLS, pools));
        ResourceAwareScheduler own = new ResourceAwareScheduler();
        own.prepare(conf, new StormMetricsRegistry());
        assertTrue(Delegate.keepsApart(own, conf));
        Map<String, Object> without = conf(ResourceAwareScheduler.class, Map.of());
        ResourceAwareScheduler plain = new ResourceAwareScheduler();
        plain.prepare(without, new StormMetricsRegistry());
        assertFalse(Delegate.keepsApart(plain, without));
        Cluster cluster = Synthetic.cluster(3, 4, NODE, words, alone);
        schedule(conf, cluster);
        assertTrue(cluster.getUnassignedExecutors(words).isEmpty() && cluster.getUnassignedExecutors(alone).isEmpty());
    }

    @Test
    void keysThatDoNotHoldAreNamedWithWhatWouldHelp() {
        Map<String, Object> conf = new HashMap<>(Synthetic.CONF);
        assertEquals(List.of(), Delegate.unheld(new DefaultScheduler(), conf));
        conf.put(DaemonConfig.ISOLATION_SCHEDULER_MACHINES, Map.of("alone", 1));
        conf.put(DaemonConfig.MULTITENANT_SCHEDULER_USER_POOLS, Map.of("user", 2));
        conf.put(DaemonConfig.RESOURCE_AWARE_SCHEDULER_USER_POOLS, Map.of("user", Map.of("cpu", 100)));
        conf.put("nimbus.even.rebalance.idle.supervisor.enabled", true);
        List<String> unheld = Delegate.unheld(new DefaultScheduler(), conf);
        assertEquals(4, unheld.size(), unheld.toString());
        for (String key : List.of("isolation.scheduler.machines", "multitenant.scheduler.user.pools",
            "resource.aware.scheduler.user.pools", "nimbus.even.rebalance.idle.supervisor.enabled")) {
            assertTrue(unheld.stream().anyMatch(what -> what.startsWith(key)), key);
        }
        List<String> isolating = Delegate.unheld(new IsolationScheduler(), conf);
        assertTrue(isolating.stream().anyMatch(what -> what.contains("POOLS_KEPT")), isolating.toString());
        assertTrue(isolating.stream().noneMatch(what -> what.startsWith("isolation")), isolating.toString());
    }

    /** Thalweg had placed the other one on every machine; what keeps apart takes one back. */
    private void assertApart(Map<String, Object> conf) throws Exception {
        Files.createDirectories(folder.resolve("thalweg"));
        Files.writeString(folder.resolve("thalweg").resolve("placed"), words.getId());
        Cluster behind = everywhere();
        Cluster bare = everywhere();
        IScheduler own = (IScheduler) Class.forName((String) conf.get("thalweg.delegate.scheduler")).getDeclaredConstructor().newInstance();
        own.prepare(conf, new StormMetricsRegistry());
        for (int round = 0; round < 3; round++) {
            schedule(conf, behind);
            own.schedule(bare.getTopologies(), bare);
        }
        Set<String> shared = nodes(behind, words);
        shared.retainAll(nodes(behind, alone));
        assertEquals(Set.of(), shared);
        assertTrue(behind.getUnassignedExecutors(alone).isEmpty());
        assertEquals(bare.getUnassignedExecutors(words).size(), behind.getUnassignedExecutors(words).size());
        assertEquals(nodes(bare, alone).size(), nodes(behind, alone).size());
    }

    private Cluster everywhere() {
        Cluster cluster = Synthetic.cluster(3, 2, NODE, words, alone);
        List<ExecutorDetails> executors = new ArrayList<>(Synthetic.executors(words));
        for (int node = 0; node < 3; node++) {
            cluster.assign(new WorkerSlot("node-0" + node, 6700), words.getId(), executors.subList(node, node == 2 ? 5 : node + 1));
        }
        return cluster;
    }

    /** One round with the engine that is shipped, in mode act. */
    private void schedule(Map<String, Object> conf, Cluster cluster) {
        boolean apart = conf.containsKey("apart");
        ThalwegScheduler scheduler = apart ? new ThalwegScheduler() : new ThalwegSchedulerTest.Scripted(answers -> {
            for (int i = 0; i < answers.capacity() / Integer.BYTES; i++) {
                answers.putInt(Integer.BYTES * i, Engine.LEAVE);
            }
        });
        scheduler.prepare(conf, new StormMetricsRegistry());
        try {
            scheduler.schedule(cluster.getTopologies(), cluster);
        } finally {
            scheduler.cleanup();
        }
    }

    private Map<String, Object> conf(Class<? extends IScheduler> delegate, Map<String, Object> given) {
        Map<String, Object> conf = new HashMap<>(Synthetic.CONF);
        conf.put(DaemonConfig.ISOLATION_SCHEDULER_MACHINES, Map.of("nobody", 1));
        conf.putAll(given);
        conf.put("storm.local.dir", folder.toString());
        conf.put("thalweg.mode", "act");
        conf.put("thalweg.delegate.scheduler", delegate.getName());
        if (!given.isEmpty()) {
            conf.put("apart", true);
        }
        return conf;
    }

    private static TopologyDetails isolated(TopologyDetails topology) {
        topology.getConf().put(Config.TOPOLOGY_ISOLATED_MACHINES, 1);
        return topology;
    }

    private static Set<String> nodes(Cluster cluster, TopologyDetails topology) {
        return Synthetic.placement(cluster, topology).keySet().stream().map(WorkerSlot::getNodeId).collect(Collectors.toSet());
    }

    private List<Integer> sizes(Cluster cluster) {
        return Synthetic.placement(cluster, words).values().stream().map(Set::size).sorted().toList();
    }
}
