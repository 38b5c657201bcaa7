package io.thalweg.storm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.thalweg.shell.Actuator;
import io.thalweg.shell.EngineFacade;
import io.thalweg.shell.SilentEngine;
import io.thalweg.storm.act.ClusterStates;
import io.thalweg.storm.cluster.Meters;
import io.thalweg.storm.cluster.Rounds;
import io.thalweg.storm.cluster.Settings;
import io.thalweg.storm.cluster.StateLink;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.storm.generated.AuthorizationException;
import org.apache.storm.generated.Nimbus;
import org.apache.storm.generated.NotAliveException;
import org.apache.storm.generated.TopologyInfo;
import org.apache.storm.generated.TopologySummary;
import org.apache.storm.metric.StormMetricsRegistry;
import org.apache.storm.scheduler.TopologyDetails;
import org.apache.storm.thrift.TApplicationException;
import org.apache.storm.thrift.transport.TTransportException;
import org.apache.storm.utils.NimbusClient;
import org.junit.jupiter.api.Test;

class MonitorTest {
    private static final Settings QUICK = new Settings(10, 2, 1000, 0, 0, Settings.Method.AUTO, null, 10_000, 1000, 1000, Path.of("nowhere"), null);
    private static final Settings PATIENT = new Settings(10, 2, 60_000, 0, 0, Settings.Method.AUTO, null, 10_000, 1000, 1000, Path.of("nowhere"), null);

    private static final Map<String, TopologyDetails> SECRET = byId(Synthetic.topology("secret", 1, 1, 1));

    private static Map<String, TopologyDetails> byId(TopologyDetails topology) {
        return Map.of(topology.getId(), topology);
    }

    /** Storm gives Nimbus a handler that ends it when an error leaves any thread. */
    @Test
    void noErrorEndsTheMonitor() throws Exception {
        List<Throwable> errors = List.of(new NoClassDefFoundError("NimbusClient$Builder"), new NoSuchMethodError("build"),
            new StackOverflowError(), new OutOfMemoryError("for this test"), new IllegalStateException("some"));
        AtomicInteger calls = new AtomicInteger();
        Nimbus.Iface nimbus = (Nimbus.Iface) Proxy.newProxyInstance(getClass().getClassLoader(), new Class<?>[] {Nimbus.Iface.class},
            (proxy, method, arguments) -> {
                int call = calls.getAndIncrement();
                if (call < errors.size()) {
                    throw errors.get(call);
                }
                return List.of();
            });
        watch(nimbus, Map.of());
    }

    @Test
    void aTopologyThatCannotBeReadKeepsNoOtherFromBeingJudged() throws Exception {
        List<Throwable> refusals = List.of(new AuthorizationException("not for you"),
            new TApplicationException(TApplicationException.INTERNAL_ERROR, "its configuration is gone"),
            new TTransportException("MaxMessageSize reached"), new IllegalStateException("some"));
        for (Throwable refusal : refusals) {
            watch(refusing(refusal, "getTopologyInfoWithOpts"), SECRET);
        }
    }

    @Test
    void aNimbusThatDoesNotAnswerIsNotTakenForTopologiesThatCannotBeRead() throws Exception {
        AtomicInteger looks = new AtomicInteger();
        Nimbus.Iface gone = refusing(new TTransportException("closed"), "getTopologyInfoWithOpts", "getLeader");
        Nimbus.Iface back = (Nimbus.Iface) Proxy.newProxyInstance(getClass().getClassLoader(), new Class<?>[] {Nimbus.Iface.class},
            (proxy, method, arguments) -> {
                boolean begins = method.getName().equals("getTopologySummaries");
                if (looks.addAndGet(begins ? 1 : 0) > 2) {
                    return List.of();
                }
                try {
                    return method.invoke(gone, arguments);
                } catch (InvocationTargetException e) {
                    throw e.getCause();
                }
            });
        watch(back, SECRET);
        assertTrue(looks.get() > 2, "two looks were given up");
    }

    /** A Nimbus of one topology that refuses these calls. */
    private static Nimbus.Iface refusing(Throwable refusal, String... calls) {
        TopologySummary summary = new TopologySummary();
        summary.set_id(SECRET.keySet().iterator().next());
        summary.set_name("secret");
        summary.set_status("ACTIVE");
        return (Nimbus.Iface) Proxy.newProxyInstance(MonitorTest.class.getClassLoader(), new Class<?>[] {Nimbus.Iface.class},
            (proxy, method, arguments) -> {
                if (List.of(calls).contains(method.getName())) {
                    throw refusal;
                }
                return method.getName().equals("getTopologySummaries") ? List.of(summary) : null;
            });
    }

    /** Where a worker does not answer Storm holds no round for minutes, and nobody may stay stopped that long. */
    @Test
    void whatAPredecessorStoppedRunsAgainBeforeTheFirstRound() throws Exception {
        Follower engine = new Follower("reverse", Integer.MAX_VALUE);
        follow(engine, PATIENT);
        assertEquals(List.of("getTopologyInfoWithOpts", "activate"), engine.calls);
    }

    /** A restarted Nimbus stands in the queue as its predecessor does, for as long as that one's session lasts. */
    @Test
    void whatNimbusDoesNotKnowYetIsNotTakenForGone() throws Exception {
        Follower engine = new Follower("reverse", Integer.MAX_VALUE);
        engine.unknown = 2;
        follow(engine, PATIENT);
        String ask = "getTopologyInfoWithOpts";
        assertEquals(List.of(ask, ask, ask, "activate"), engine.calls);
    }

    @Test
    void whatIsCarriedOnWaitsForARound() throws Exception {
        Follower engine = new Follower("carry_on", 10);
        follow(engine, PATIENT);
        assertEquals(List.of(), engine.calls);
    }

    @Test
    void whatIsStoppedForAPlanThatIsCarriedOnDoesNotWaitForEver() throws Exception {
        Follower engine = new Follower("carry_on", Integer.MAX_VALUE);
        follow(engine, QUICK);
        assertEquals(List.of("getTopologyInfoWithOpts", "activate"), engine.calls);
    }

    /** Runs a monitor and an actuator before any round until the engine has seen enough. */
    private static void follow(Follower engine, Settings settings) throws Exception {
        AtomicInteger unknown = new AtomicInteger(engine.unknown);
        Nimbus.Iface nimbus = (Nimbus.Iface) Proxy.newProxyInstance(MonitorTest.class.getClassLoader(), new Class<?>[] {Nimbus.Iface.class},
            (proxy, method, arguments) -> {
                engine.calls.add(method.getName());
                if (unknown.getAndDecrement() > 0) {
                    throw new NotAliveException("t-1");
                }
                TopologyInfo info = new TopologyInfo();
                info.set_status("INACTIVE");
                return method.getName().equals("activate") ? null : info;
            });
        Rounds rounds = new Rounds(10_000);
        EngineFacade facade = new EngineFacade(engine);
        StateLink state = new StateLink(Synthetic.CONF);
        NimbusClient.LocalOverride override = new NimbusClient.LocalOverride(nimbus);
        try (ClusterStates states = new ClusterStates(Synthetic.CONF, settings, rounds, facade, state);
                Actuator actuator = new Actuator(facade, states, 1000, result -> { });
                Monitor monitor = new Monitor(Synthetic.CONF, settings, rounds, engine, state, facade, actuator, new Shapes(),
                    new Adopted(Path.of("nowhere")), new Meters(new StormMetricsRegistry()))) {
            actuator.start();
            monitor.start();
            assertTrue(engine.seen.await(20, TimeUnit.SECONDS), "asked " + engine.asked + " times");
        } finally {
            override.close();
        }
    }

    /** An engine whose predecessor left a stopped topology; asked often enough what is due, or told that it was done, it has seen enough. */
    private static final class Follower extends SilentEngine {
        private final List<String> calls = new CopyOnWriteArrayList<>();
        private final CountDownLatch seen = new CountDownLatch(1);
        private final AtomicInteger asked = new AtomicInteger();
        private final int enough;
        /** So many calls are answered before Nimbus knows of any topology. */
        private int unknown;
        private final String what;
        private volatile boolean undone;

        Follower(String what, int enough) {
            this.what = what;
            this.enough = enough;
        }

        @Override
        public JsonNode command(JsonNode command, long now) {
            ObjectNode answer = JsonNodeFactory.instance.objectNode();
            switch (command.path("op").asText()) {
                case "undone" -> {
                    undone = true;
                    seen.countDown();
                }
                case "due" -> {
                    answer.set("due", due());
                    if (asked.incrementAndGet() >= enough) {
                        seen.countDown();
                    }
                }
                case "lead" -> answer.set("due", due());
                default -> { }
            }
            return answer;
        }

        private JsonNode due() {
            if (undone) {
                return JsonNodeFactory.instance.nullNode();
            }
            ObjectNode due = JsonNodeFactory.instance.objectNode().put("what", what);
            due.putArray("done").addObject().put("what", "deactivated");
            due.putObject("plan").put("id", "p").put("topology", "t-1").put("name", "t").put("kind", "counts").putArray("rows");
            return due;
        }
    }

    /** Runs a monitor until it has looked once at what this Nimbus tells. */
    private static void watch(Nimbus.Iface nimbus, Map<String, TopologyDetails> topologies) throws Exception {
        AtomicReference<Throwable> escaped = new AtomicReference<>();
        Thread.UncaughtExceptionHandler before = Thread.getDefaultUncaughtExceptionHandler();
        Thread.setDefaultUncaughtExceptionHandler((thread, error) -> escaped.set(error));
        Counting engine = new Counting();
        Rounds rounds = new Rounds(10_000);
        rounds.begin(System.currentTimeMillis());
        rounds.seen(new Rounds.View(Map.of(), topologies));
        NimbusClient.LocalOverride override = new NimbusClient.LocalOverride(nimbus);
        EngineFacade facade = new EngineFacade(engine);
        try (Monitor monitor = new Monitor(Synthetic.CONF, QUICK, rounds, engine, new StateLink(Synthetic.CONF), facade,
                new Actuator(facade, plan -> null, 1000, result -> { }), new Shapes(),
                new Adopted(Path.of("nowhere")), new Meters(new StormMetricsRegistry()))) {
            monitor.start();
            assertTrue(engine.observed.await(20, TimeUnit.SECONDS), "the monitor goes on");
        } finally {
            override.close();
            Thread.setDefaultUncaughtExceptionHandler(before);
        }
        assertEquals(null, escaped.get());
    }

    private static final class Counting extends SilentEngine {
        private final CountDownLatch observed = new CountDownLatch(1);

        @Override
        public JsonNode observe(ByteBuffer snapshot, int length, long now) {
            observed.countDown();
            return JsonNodeFactory.instance.objectNode();
        }
    }
}
