package io.thalweg.storm.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Proxy;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.storm.generated.AuthorizationException;
import org.apache.storm.generated.Nimbus;
import org.apache.storm.utils.NimbusClient;
import org.junit.jupiter.api.Test;

class RefusalsTest {
    private final AtomicLong now = new AtomicLong(1_000_000);
    private final Refusals refusals = new Refusals(now::get);

    @Test
    void whatWasRefusedIsNotTriedForAWhileUnlessItIsAllowedMeanwhile() {
        refusals.note("Nimbus", "rebalance", new AuthorizationException("rebalance on topology words is not authorized"));
        now.addAndGet(5000);
        assertEquals(OptionalLong.of(5000), refusals.recent(List.of("deactivate", "rebalance")));
        assertEquals(OptionalLong.empty(), refusals.recent(List.of("deactivate")));
        now.addAndGet(Refusals.PAUSE_MILLIS);
        assertEquals(OptionalLong.empty(), refusals.recent(List.of("rebalance")), "it may be allowed by now");
        refusals.note("Nimbus", "rebalance", new AuthorizationException("again"));
        refusals.allowed("rebalance");
        assertEquals(OptionalLong.empty(), refusals.recent(List.of("rebalance")));
    }

    @Test
    void eachCallIsNamedWithTheKeyThatAllowsIt() {
        for (String call : List.of("getTopologySummaries", "getTopologyInfoWithOpts", "getSupervisorAssignments", "rebalance",
            "activate", "deactivate", "sendSupervisorAssignments", "getLocalAssignmentForStorm")) {
            assertTrue(Refusals.remedy(call).contains("nimbus.admins"), call);
        }
        assertTrue(Refusals.remedy("sendSupervisorAssignments").contains("every supervisor"));
        assertTrue(Refusals.remedy("rebalance").contains("topology.users"));
    }

    @Test
    void aRefusalOfNimbusIsNotedByTheLink() throws Exception {
        Nimbus.Iface nimbus = (Nimbus.Iface) Proxy.newProxyInstance(getClass().getClassLoader(), new Class<?>[] {Nimbus.Iface.class},
            (proxy, method, arguments) -> {
                throw new AuthorizationException(method.getName() + " is not authorized");
            });
        NimbusClient.LocalOverride override = new NimbusClient.LocalOverride(nimbus);
        try (NimbusLink link = new NimbusLink(Map.of(), refusals)) {
            assertThrows(AuthorizationException.class, () -> link.assignments("node"));
            assertTrue(refusals.recent(List.of("getSupervisorAssignments")).isPresent());
        } finally {
            override.close();
        }
    }
}
