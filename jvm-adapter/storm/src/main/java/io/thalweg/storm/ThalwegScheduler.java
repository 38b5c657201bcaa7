package io.thalweg.storm;

import io.thalweg.bridge.ThalwegException;
import io.thalweg.shell.Actuator;
import io.thalweg.shell.Engine;
import io.thalweg.shell.EngineFacade;
import io.thalweg.shell.NativeEngine;
import io.thalweg.storm.act.ClusterStates;
import io.thalweg.storm.cluster.Coordination;
import io.thalweg.storm.cluster.Meters;
import io.thalweg.storm.cluster.NimbusLink;
import io.thalweg.storm.cluster.NodeFacts;
import io.thalweg.storm.cluster.Refusals;
import io.thalweg.storm.cluster.Reservation;
import io.thalweg.storm.cluster.Rounds;
import io.thalweg.storm.cluster.Settings;
import io.thalweg.storm.cluster.StateLink;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.storm.metric.StormMetricsRegistry;
import org.apache.storm.scheduler.Cluster;
import org.apache.storm.scheduler.DefaultScheduler;
import org.apache.storm.scheduler.ExecutorDetails;
import org.apache.storm.scheduler.IScheduler;
import org.apache.storm.scheduler.SupervisorDetails;
import org.apache.storm.scheduler.Topologies;
import org.apache.storm.scheduler.TopologyDetails;
import org.apache.storm.scheduler.WorkerSlot;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Storm's scheduler as Thalweg fills the part: topologies that the core has placed stay where it placed them, all
 * others are Storm's own scheduler's. Whatever fails here, that scheduler takes over.
 */
public class ThalwegScheduler implements IScheduler {
    private static final Logger LOG = LoggerFactory.getLogger(ThalwegScheduler.class);

    private final Shapes shapes = new Shapes();
    private StormsOwn stormsOwn = new StormsOwn(new DefaultScheduler());
    private Adopted adopted;
    private Meters meters;
    private Rounds rounds;
    private Engine engine;
    private Placer placer;
    private StateLink state;
    private Coordination coordination;
    private ClusterStates clusterStates;
    private Actuator actuator;
    private Monitor monitor;
    private LastResort lastResort;
    private NimbusLink nimbus;
    private boolean failing;
    private Map<String, Object> conf;
    /** Whether everything of Storm's that is used is there: if not, nothing but its own scheduler runs. */
    private boolean linked;

    @Override
    public void prepare(Map<String, Object> conf, StormMetricsRegistry registry) {
        meters = new Meters(registry);
        Settings settings = Settings.of(conf);
        rounds = new Rounds(settings.roundMillis());
        stormsOwn = StormsOwn.of(conf, settings.delegate(), registry);
        this.conf = conf;
        adopted = new Adopted(settings.folder().resolve("placed"));
        try {
            StormsLinkage.make().require(ThalwegScheduler.class);
            linked = true;
            if (Settings.acts(conf)) {
                stormsOwn.unheld(conf).forEach(what -> LOG.warn("configuration: {}", what));
                Settings.longWait(conf).ifPresent(what -> LOG.warn("configuration: {}", what));
            }
            engine = open(settings, conf);
            coordination = new Coordination(conf);
            EngineFacade facade = new EngineFacade(engine, coordination, coordination);
            facade.reportStatus();
            placer = new Placer(engine, shapes);
            state = new StateLink(conf);
            clusterStates = new ClusterStates(conf, settings, rounds, facade, state);
            actuator = new Actuator(facade, clusterStates, settings.stepTimeoutMillis(), meters::action);
            monitor = new Monitor(conf, settings, rounds, engine, state, facade, actuator, shapes, adopted, meters);
            actuator.start();
            monitor.start();
        } catch (Throwable e) {
            meters.fallback(e instanceof ThalwegException t ? t.code().name().toLowerCase(java.util.Locale.ROOT) : "prepare");
            LOG.error("Thalweg cannot start and leaves all scheduling to Storm's own scheduler", e);
            end();
            letRunWhatWasStopped(conf);
        }
    }

    @Override
    public void schedule(Topologies topologies, Cluster cluster) {
        if (!linked) {
            scheduleByStormAlone(topologies, cluster);
            return;
        }
        long now = System.currentTimeMillis();
        Reservation reservation = rounds.begin(now);
        try {
            Placed placed = placeOurs(topologies, cluster, reservation, now);
            placeOthers(cluster, placed, reservation);
        } finally {
            end(cluster);
        }
    }

    private void scheduleByStormAlone(Topologies topologies, Cluster cluster) {
        try {
            stormsOwn.schedule(topologies, cluster);
        } catch (Throwable e) {
            meters.error("default-scheduler");
            LOG.error("Storm's own scheduler failed", e);
        }
    }

    /** The topologies that the core decided on in a round, and those of them that it placed anew. */
    private record Placed(Set<String> all, Set<String> anew) { }

    /** Places what the core decides on; whatever is missing from the answer is left to Storm's own scheduler. */
    private Placed placeOurs(Topologies topologies, Cluster cluster, Reservation reservation, long now) {
        Placed placed = new Placed(new HashSet<>(), new HashSet<>());
        try {
            meters.round();
            // Pools may be read anew while Nimbus runs.
            shapes.keptApart(stormsOwn.keepsApart(conf));
            Map<String, NodeFacts> nodes = nodes(cluster);
            rounds.seen(new Rounds.View(Map.copyOf(nodes), byId(topologies)));
            if (placer != null) {
                place(topologies, cluster, nodes, placed, reservation, now);
                failing = false;
            }
        } catch (Throwable e) {
            meters.fallback("schedule");
            if (!failing) {
                LOG.error("this round is left to Storm's own scheduler", e);
                failing = true;
            }
        }
        return placed;
    }

    private void placeOthers(Cluster cluster, Placed placed, Reservation reservation) {
        try {
            // What keeps machines or pools apart has to see all, also what was placed otherwise before.
            Set<String> notIts = stormsOwn.keepsApart(conf) ? new HashSet<>() : adopted.complete(cluster);
            notIts.addAll(placed.all);
            Set<String> all = ids(cluster);
            adopted.note(all, placed.anew, minus(all, notIts));
            stormsOwn.schedule(cluster, notIts, reservation);
        } catch (Throwable e) {
            // Nothing may leave this method: Nimbus would end. The round changes nothing more; the next one tries again.
            meters.error("default-scheduler");
            LOG.error("Storm's own scheduler failed", e);
        }
    }

    private void end(Cluster cluster) {
        try {
            rounds.end(cluster.getUsedSlots());
        } catch (Throwable e) {
            meters.error("schedule");
            LOG.error("the end of a round is not noted", e);
        }
    }

    @Override
    public Map<String, Map<String, Double>> config() {
        try {
            return stormsOwn.config();
        } catch (Throwable e) {
            LOG.warn("Storm's own scheduler does not tell its configuration", e);
            return Map.of();
        }
    }

    @Override
    public void cleanup() {
        end();
        closeQuietly(stormsOwn::cleanup);
    }

    private void letRunWhatWasStopped(Map<String, Object> conf) {
        try {
            coordination = new Coordination(conf);
            nimbus = new NimbusLink(conf, new Refusals());
            lastResort = new LastResort(coordination, coordination, LastResort.by(nimbus));
            lastResort.start();
        } catch (Throwable e) {
            LOG.error("a topology that a predecessor stopped has to be activated by hand", e);
        }
    }

    /** Ends what decides and acts; Storm's own scheduler goes on. */
    private void end() {
        closeQuietly(lastResort);
        closeQuietly(nimbus);
        closeQuietly(monitor);
        closeQuietly(actuator);
        closeQuietly(clusterStates);
        closeQuietly(state);
        closeQuietly(coordination);
        closeQuietly(engine);
        lastResort = null;
        nimbus = null;
        placer = null;
        monitor = null;
        actuator = null;
        clusterStates = null;
        state = null;
        coordination = null;
        engine = null;
    }

    /** What rounds and actions tell each other. */
    Rounds rounds() {
        return rounds;
    }

    /** Opens the engine that decides. */
    protected Engine open(Settings settings, Map<String, Object> conf) {
        return new NativeEngine(settings.libraryPath(), Settings.forEngine(conf));
    }

    private void place(Topologies topologies, Cluster cluster, Map<String, NodeFacts> nodes, Placed placed,
        Reservation reservation, long now) {
        Map<TopologyDetails, Map<ExecutorDetails, WorkerSlot>> desired =
            placer.ask(topologies, cluster, reservation.shown(nodes), now);
        new Applier(cluster, nodes, reservation).apply(desired).forEach((topology, outcome) -> {
            if (outcome.failure() != null) {
                meters.fallback("apply");
                LOG.error("{} is left to Storm's own scheduler", topology.getName(), outcome.failure());
                return;
            }
            placed.all.add(topology.getId());
            if (outcome.changed()) {
                placed.anew.add(topology.getId());
            }
            if (outcome.dropped() > 0) {
                meters.dropped(outcome.dropped());
                LOG.warn("{} of {} desired places of {} are not there or not free", outcome.dropped(),
                    desired.get(topology).size(), topology.getName());
            }
        });
    }

    private static Map<String, NodeFacts> nodes(Cluster cluster) {
        Map<String, String> racks = new HashMap<>();
        cluster.getNetworkTopography().forEach((rack, hosts) -> hosts.forEach(host -> racks.put(host, rack)));
        Map<String, NodeFacts> nodes = new HashMap<>();
        for (SupervisorDetails node : cluster.getSupervisors().values()) {
            List<Integer> ports = node.getAllPorts() == null ? List.of() : node.getAllPorts().stream().sorted().toList();
            nodes.put(node.getId(), new NodeFacts(node.getId(), node.getHost(), racks.getOrDefault(node.getHost(), ""),
                ports, node.getTotalCpu(), node.getTotalMemory(), cluster.isBlackListed(node.getId())));
        }
        return nodes;
    }

    private Map<String, TopologyDetails> byId(Topologies topologies) {
        Map<String, TopologyDetails> byId = new HashMap<>();
        topologies.forEach(topology -> byId.put(topology.getId(), topology));
        shapes.keep(byId.keySet());
        return byId;
    }

    private static Set<String> ids(Cluster cluster) {
        Set<String> ids = new HashSet<>();
        cluster.getTopologies().forEach(topology -> ids.add(topology.getId()));
        return ids;
    }

    private static Set<String> minus(Set<String> all, Set<String> some) {
        Set<String> rest = new HashSet<>(all);
        rest.removeAll(some);
        return rest;
    }

    private static void closeQuietly(AutoCloseable part) {
        try {
            if (part != null) {
                part.close();
            }
        } catch (Throwable e) {
            LOG.warn("not closed cleanly: {}", e.toString());
        }
    }
}
