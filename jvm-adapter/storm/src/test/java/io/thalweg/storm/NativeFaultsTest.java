package io.thalweg.storm;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.codahale.metrics.Meter;
import io.thalweg.bridge.Faults;
import io.thalweg.bridge.Faults.Kind;
import io.thalweg.bridge.ThalwegException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.storm.metric.StormMetricsRegistry;
import org.apache.storm.scheduler.Cluster;
import org.apache.storm.scheduler.DefaultScheduler;
import org.apache.storm.scheduler.ExecutorDetails;
import org.apache.storm.scheduler.TopologyDetails;
import org.apache.storm.scheduler.WorkerSlot;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A fault at each native entry, under the engine that is shipped: Storm's own scheduler places everything, and it is counted. */
@Timeout(120)
class NativeFaultsTest {
    /** The counter of a start that failed, with the code of the fault. */
    private static final String START = "thalweg:fallbacks-%s";
    /** The counter of rounds that are left to Storm. */
    private static final String ROUND = "thalweg:fallbacks-schedule";

    /** All reasons that there can be: codes, a start that failed otherwise, a round, a placement. */
    private static final Set<String> REASONS = reasons();

    private static Set<String> reasons() {
        Set<String> all = new TreeSet<>(Set.of("prepare", "schedule", "apply"));
        for (ThalwegException.Code code : ThalwegException.Code.values()) {
            all.add(code.name().toLowerCase(Locale.ROOT));
        }
        return all;
    }

    /** Who schedules while an entry fails, and what counts it; nothing where nobody calls it on the way. */
    private enum Then {
        /** It cannot start. */
        NO_START(START),
        /** It starts, and each round is left to Storm. */
        NO_ROUND(ROUND),
        /** No round needs it: Thalweg places. */
        NO_MATTER(null);

        private final String counter;

        Then(String counter) {
            this.counter = counter;
        }
    }

    /** Every entry has to be here, or the first test fails. */
    private static final Map<String, Then> ENTRIES = new TreeMap<>(Map.ofEntries(
        // Asked once as the library is loaded: NativeLibraryTest of the bridge has what comes of it, and withoutAnEngine of
        // ThalwegSchedulerTest what that does here.
        Map.entry("start", Then.NO_MATTER),
        Map.entry("logThreshold", Then.NO_START),
        Map.entry("open", Then.NO_START),
        Map.entry("command", Then.NO_START),
        Map.entry("assign", Then.NO_ROUND),
        // The monitor's, which looks where this Nimbus leads.
        Map.entry("observe", Then.NO_MATTER),
        // As it ends.
        Map.entry("close", Then.NO_MATTER),
        // What only tests and people ask.
        Map.entry("version", Then.NO_MATTER),
        Map.entry("inspect", Then.NO_MATTER),
        Map.entry("selfTest", Then.NO_MATTER),
        Map.entry("plant", Then.NO_MATTER)));

    @TempDir
    Path folder;

    private final TopologyDetails topology = Synthetic.topology("wc", 2, 1, 4);
    private int run;

    @Test
    void noEntryIsMissing() {
        assertEquals(Faults.entries(), ENTRIES.keySet());
    }

    @Test
    void whicheverEntryFailsFromTheStartEverythingIsPlacedAndCounted() {
        Map<WorkerSlot, Set<ExecutorDetails>> byStorm = byStorm();
        ENTRIES.forEach((entry, then) -> {
            for (Kind kind : Kind.values()) {
                String what = entry + " " + kind;
                Faults.during(entry, kind, () -> {
                    StormMetricsRegistry registry = new StormMetricsRegistry();
                    ThalwegScheduler scheduler = prepared(registry);
                    try {
                        Cluster cluster = round(scheduler);
                        assertTrue(cluster.getUnassignedExecutors(topology).isEmpty(), what);
                        boolean storms = Synthetic.placement(cluster, topology).equals(byStorm);
                        assertEquals(then != Then.NO_MATTER, storms, what + ": who placed it");
                        if (then.counter == null) {
                            assertEquals(Map.of(), fallbacks(registry), what);
                        } else {
                            assertEquals(Map.of(String.format(then.counter, kind.code()), 1L), fallbacks(registry), what);
                        }
                    } finally {
                        assertDoesNotThrow(scheduler::cleanup, what);
                    }
                });
            }
        });
    }

    @Test
    void aRoundWhoseFaultPassesIsFollowedByOneOfThalwegs() {
        StormMetricsRegistry registry = new StormMetricsRegistry();
        ThalwegScheduler scheduler = prepared(registry);
        try {
            for (Kind kind : Kind.values()) {
                Faults.during("assign", kind, () -> assertEquals(byStorm(), Synthetic.placement(round(scheduler), topology)));
            }
            Cluster cluster = round(scheduler);
            assertTrue(cluster.getUnassignedExecutors(topology).isEmpty());
            assertTrue(!byStorm().equals(Synthetic.placement(cluster, topology)), "Thalweg places again");
            assertEquals(Map.of(ROUND, (long) Kind.values().length), fallbacks(registry));
        } finally {
            scheduler.cleanup();
        }
    }

    private ThalwegScheduler prepared(StormMetricsRegistry registry) {
        Map<String, Object> conf = new HashMap<>(Synthetic.CONF);
        // What is left open by a fault at close has its store still.
        conf.put("storm.local.dir", folder.resolve("run-" + run++).toString());
        conf.put("thalweg.mode", "act");
        ThalwegScheduler scheduler = new ThalwegScheduler();
        assertDoesNotThrow(() -> scheduler.prepare(conf, registry));
        return scheduler;
    }

    private Cluster round(ThalwegScheduler scheduler) {
        Cluster cluster = Synthetic.cluster(3, 2, topology);
        assertDoesNotThrow(() -> scheduler.schedule(cluster.getTopologies(), cluster));
        assertNotNull(cluster.getAssignmentById(topology.getId()));
        return cluster;
    }

    private Map<WorkerSlot, Set<ExecutorDetails>> byStorm() {
        Cluster cluster = Synthetic.cluster(3, 2, topology);
        DefaultScheduler.defaultSchedule(cluster.getTopologies(), cluster);
        return Synthetic.placement(cluster, topology);
    }

    /** The counters of what was left to Storm that have counted anything. */
    private static Map<String, Long> fallbacks(StormMetricsRegistry registry) {
        Map<String, Long> counted = new TreeMap<>();
        for (String reason : REASONS) {
            String name = "thalweg:fallbacks-" + reason;
            Meter meter = registry.getMeter(name);
            if (meter != null) {
                counted.put(name, meter.getCount());
            }
        }
        return counted;
    }
}
