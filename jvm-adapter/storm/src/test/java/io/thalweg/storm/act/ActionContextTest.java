package io.thalweg.storm.act;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.thalweg.shell.ClusterNote;
import io.thalweg.shell.EngineFacade;
import io.thalweg.shell.SilentEngine;
import io.thalweg.storm.cluster.NimbusLink;
import io.thalweg.storm.cluster.Refusals;
import io.thalweg.storm.cluster.Rounds;
import io.thalweg.storm.cluster.Settings;
import io.thalweg.storm.cluster.StateLink;
import java.lang.reflect.Proxy;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.storm.generated.Assignment;
import org.apache.storm.generated.Nimbus;
import org.apache.storm.generated.SupervisorAssignments;
import org.apache.storm.thrift.TException;
import org.apache.storm.utils.NimbusClient;
import org.apache.storm.utils.Utils;
import org.junit.jupiter.api.Test;

class ActionContextTest {
    private static final long LIMIT_MILLIS = 20_000;

    /** As one that was paused: Nimbus still answers as if it led, and ZooKeeper knows better. */
    @Test
    void noSupervisorIsToldAnythingByOneThatLeadsNoMore() throws Exception {
        Map<String, Object> conf = Utils.readDefaultConfig();
        AtomicReference<OptionalLong> term = new AtomicReference<>(OptionalLong.of(1));
        EngineFacade facade = new EngineFacade(new SilentEngine(), term::get, ClusterNote.NONE);
        facade.lead(1);
        SupervisorAssignments held = new SupervisorAssignments();
        held.set_storm_assignment(Map.of("t-1", new Assignment()));
        Nimbus.Iface nimbus = (Nimbus.Iface) Proxy.newProxyInstance(getClass().getClassLoader(), new Class<?>[] {Nimbus.Iface.class},
            (proxy, method, arguments) -> held);
        NimbusClient.LocalOverride override = new NimbusClient.LocalOverride(nimbus);
        try (NimbusLink link = new NimbusLink(conf, new Refusals())) {
            Truth truth = new ActionContext(conf, Settings.of(conf), new Rounds(10_000), link, new StateLink(conf), facade,
                new SyncClock()).truth();
            assertEquals(Map.of("t-1", new Assignment()), truth.of("node"));
            term.set(OptionalLong.of(2));
            long latest = System.currentTimeMillis() + LIMIT_MILLIS;
            while (tells(truth)) {
                assertTrue(System.currentTimeMillis() < latest, "another leads, and this one still tells");
                Thread.sleep(20);
            }
        } finally {
            override.close();
        }
    }

    private static boolean tells(Truth truth) {
        try {
            truth.of("node");
            return true;
        } catch (TException e) {
            return false;
        }
    }
}
