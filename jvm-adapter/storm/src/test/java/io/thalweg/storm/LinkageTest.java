package io.thalweg.storm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.security.CodeSource;
import java.security.ProtectionDomain;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.storm.metric.StormMetricsRegistry;
import org.apache.storm.scheduler.Cluster;
import org.apache.storm.scheduler.IScheduler;
import org.apache.storm.scheduler.TopologyDetails;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LinkageTest {
    private static final String HIDDEN = "org.apache.storm.utils.NimbusClient";

    /** As on a Storm without one class: our classes are loaded anew, and find no such class. */
    private static final class Hiding extends ClassLoader {
        private final String hidden;

        Hiding(String hidden) {
            super(LinkageTest.class.getClassLoader());
            this.hidden = hidden;
        }

        @Override
        protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
            if (name.equals(hidden)) {
                throw new ClassNotFoundException(name);
            }
            boolean ours = name.startsWith("io.thalweg.storm.") && !name.contains("Test");
            if (!ours) {
                return super.loadClass(name, resolve);
            }
            synchronized (getClassLoadingLock(name)) {
                Class<?> loaded = findLoadedClass(name);
                return loaded != null ? loaded : define(name);
            }
        }

        private Class<?> define(String name) throws ClassNotFoundException {
            try (InputStream in = getParent().getResourceAsStream(name.replace('.', '/') + ".class")) {
                byte[] bytes = in.readAllBytes();
                CodeSource source = ThalwegScheduler.class.getProtectionDomain().getCodeSource();
                return defineClass(name, bytes, 0, bytes.length, new ProtectionDomain(source, null));
            } catch (IOException e) {
                throw new ClassNotFoundException(name, e);
            }
        }
    }

    @Test
    void theStormThatItIsBuiltForLacksNothing() throws Exception {
        assertEquals(Set.of(), StormsLinkage.make().missing(ThalwegScheduler.class));
    }

    /** Nothing runs on Storm 3 here, and one such use would leave everything to Storm's own scheduler there. */
    @Test
    void whatStorm3HasWithOtherTypesIsNotUsed() throws Exception {
        Set<String> changed = Set.of("org/apache/storm/generated/ClusterWorkerHeartbeat.get_time_secs",
            "org/apache/storm/scheduler/SupervisorDetails.getUptimeSecs");
        Set<String> used = StormsLinkage.make().uses(ThalwegScheduler.class).stream().map(use -> use.owner() + "." + use.name())
            .filter(changed::contains).collect(Collectors.toSet());
        assertEquals(Set.of(), used);
    }

    @Test
    void aClassThatIsNotThereIsNamed() throws Exception {
        Class<?> ours = new Hiding(HIDDEN).loadClass(ThalwegScheduler.class.getName());
        assertEquals(Set.of(HIDDEN), StormsLinkage.make().missing(ours));
        Error error = assertThrows(IncompatibleClassChangeError.class, () -> StormsLinkage.make().require(ours));
        assertTrue(error.getMessage().contains(HIDDEN), error.getMessage());
    }

    @Test
    void whereSomethingIsMissingStormsOwnSchedulerGoesOn(@TempDir Path folder) throws Exception {
        for (String hidden : new String[] {HIDDEN, "org.apache.storm.cluster.IStormClusterState",
            "org.apache.storm.scheduler.resource.normalization.NormalizedResourceOffer"}) {
            IScheduler scheduler = (IScheduler) new Hiding(hidden).loadClass(ThalwegScheduler.class.getName())
                .getDeclaredConstructor().newInstance();
            TopologyDetails topology = Synthetic.topology("words", 2, 1, 4);
            Cluster cluster = Synthetic.cluster(2, 2, topology);
            Map<String, Object> conf = new HashMap<>(Synthetic.CONF);
            conf.put("thalweg.store.dir", folder.toString());
            conf.put("thalweg.mode", "act");
            scheduler.prepare(conf, new StormMetricsRegistry());
            try {
                scheduler.schedule(cluster.getTopologies(), cluster);
                assertEquals(2, Synthetic.placement(cluster, topology).size(), hidden);
            } finally {
                scheduler.cleanup();
            }
        }
    }
}
