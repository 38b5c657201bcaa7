package io.thalweg.storm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.thalweg.storm.cluster.NimbusLink;
import io.thalweg.storm.cluster.Refusals;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.storm.generated.AuthorizationException;
import org.apache.storm.generated.ClusterSummary;
import org.apache.storm.generated.Nimbus;
import org.apache.storm.generated.NimbusSummary;
import org.apache.storm.generated.RebalanceOptions;
import org.apache.storm.generated.SupervisorPageInfo;
import org.apache.storm.generated.SupervisorSummary;
import org.apache.storm.generated.TopologySummary;
import org.apache.storm.generated.WorkerSummary;
import org.apache.storm.scheduler.TopologyDetails;
import org.apache.storm.thrift.transport.TTransportException;
import org.apache.storm.utils.NimbusClient;
import org.junit.jupiter.api.Test;

class BesideTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int NODES = 2;
    private static final int SLOTS = 4;

    /** A Nimbus of two topologies on two nodes; every call of it that is none of a client that looks fails the test. */
    private static final class Answering implements InvocationHandler {
        final RunningCluster running = new RunningCluster(2, NODES);
        final List<String> calls = new ArrayList<>();
        final Set<String> refused = new HashSet<>();
        final Map<String, Object> conf = new HashMap<>(Map.of("supervisor.slots.ports", List.of(6700, 6701, 6702, 6703),
            "executor.metrics.frequency.secs", 5, "storm.scheduler", "org.apache.storm.scheduler.DefaultScheduler"));
        final List<SupervisorSummary> supervisors = new ArrayList<>();
        final Map<String, RebalanceOptions> rebalanced = new HashMap<>();
        boolean gone;

        Answering() {
            for (int node = 0; node < NODES; node++) {
                SupervisorSummary summary = new SupervisorSummary("node-" + node, 100, SLOTS, 2, "id-" + node);
                summary.set_total_resources(Map.of("cpu.pcore.percent", 400.0, "memory.mb", 4096.0));
                supervisors.add(summary);
            }
        }

        @Override
        public Object invoke(Object proxy, java.lang.reflect.Method method, Object[] arguments) throws Throwable {
            String call = method.getName();
            calls.add(call);
            if (gone) {
                throw new TTransportException("closed");
            }
            if (refused.contains(call)) {
                throw new AuthorizationException(call + " is not for you");
            }
            return switch (call) {
                case "getClusterInfo" -> cluster();
                case "getNimbusConf" -> JSON.writeValueAsString(conf);
                case "getTopologyInfoWithOpts" -> running.nimbus().getTopologyInfoWithOpts((String) arguments[0], null);
                case "getTopologyConf" -> JSON.writeValueAsString(details((String) arguments[0]).getConf());
                case "getUserTopology" -> details((String) arguments[0]).getTopology();
                case "getSupervisorPageInfo" -> page((String) arguments[0]);
                case "getLeader" -> new NimbusSummary();
                case "rebalance" -> {
                    rebalanced.put((String) arguments[0], (RebalanceOptions) arguments[1]);
                    yield null;
                }
                default -> throw new AssertionError(call + " is no question of a look");
            };
        }

        private TopologyDetails details(String id) {
            return running.topologies().stream().filter(one -> one.getId().equals(id)).findFirst().orElseThrow();
        }

        private ClusterSummary cluster() throws Exception {
            NimbusSummary leader = new NimbusSummary("nimbus", 6627, 100, true, "2.8.3");
            List<TopologySummary> topologies = new ArrayList<>(running.nimbus().getTopologySummaries());
            return new ClusterSummary(supervisors, topologies, List.of(leader));
        }

        private static SupervisorPageInfo page(String node) {
            WorkerSummary worker = new WorkerSummary();
            worker.set_supervisor_id(node);
            worker.set_port(node.equals("id-0") ? RunningCluster.FIRST_PORT : RunningCluster.FIRST_PORT + 1);
            SupervisorPageInfo info = new SupervisorPageInfo();
            info.set_worker_summaries(List.of(worker));
            return info;
        }

        Nimbus.Iface nimbus() {
            return (Nimbus.Iface) Proxy.newProxyInstance(getClass().getClassLoader(), new Class<?>[] {Nimbus.Iface.class}, this);
        }
    }

    /** What is to be done with a Nimbus that answers so. */
    @FunctionalInterface
    private interface Doing {
        void with(Beside beside) throws Exception;
    }

    private static void beside(Answering answering, AtomicLong clock, Doing doing) throws Exception {
        beside(answering, clock, false, doing);
    }

    @SuppressWarnings("try")
    private static void beside(Answering answering, AtomicLong clock, boolean changes, Doing doing) throws Exception {
        Map<String, Object> conf = new HashMap<>(Synthetic.CONF);
        NimbusLink link = NimbusLink.toLeader(conf, new Refusals());
        try (NimbusClient.LocalOverride override = new NimbusClient.LocalOverride(answering.nimbus());
             Questions questions = new Questions(link, new Denials(clock::get))) {
            doing.with(new Beside(conf, questions, changes));
        }
    }

    private static JsonNode look(Beside beside, int number) {
        JsonNode answer = beside.answer("look " + number);
        assertEquals(number, answer.path("look").asInt());
        return answer;
    }

    /** The names in an encoded snapshot stand at its end, as they are. */
    private static String names(JsonNode answer) throws Exception {
        return new String(answer.path("observation").binaryValue(), java.nio.charset.StandardCharsets.ISO_8859_1);
    }

    @Test
    void aClusterIsNamedAndSeenByQuestionsAlone() throws Exception {
        Answering answering = new Answering();
        beside(answering, new AtomicLong(), beside -> {
            JsonNode hello = beside.hello();
            assertEquals(Beside.VERSION, hello.path("thalweg_storm").asInt());
            assertEquals("2.8.3", hello.path("version").asText());
            assertEquals("nimbus:6627", hello.path("place").asText());
            assertEquals(5, hello.path("settings").path("executor.metrics.frequency.secs").asInt());
            JsonNode answer = look(beside, 1);
            assertTrue(answer.path("findings").isEmpty(), answer.toString());
            String names = names(answer);
            for (String name : List.of("id-0", "node-1", "topology-0000-1-1", "topology-1", "c19")) {
                assertTrue(names.contains(name), name);
            }
            long once = answering.calls.stream().filter("getUserTopology"::equals).count();
            look(beside, 2);
            assertEquals(once, answering.calls.stream().filter("getUserTopology"::equals).count(), "graphs are read once");
        });
    }

    @Test
    void aRefusedCallIsNamedWithWhatAllowsItAndNotRepeated() throws Exception {
        Answering answering = new Answering();
        answering.refused.addAll(List.of("getTopologyConf", "getNimbusConf"));
        AtomicLong clock = new AtomicLong(1);
        beside(answering, clock, beside -> {
            JsonNode findings = look(beside, 1).path("findings");
            assertTrue(findings.path("").asText().contains("nimbus.users"), findings.toString());
            String about = findings.path("topology-0000-1-1").asText();
            assertTrue(about.contains("getTopologyConf") && about.contains("topology.readonly.users"), about);
            int asked = answering.calls.size();
            assertEquals(findings, look(beside, 2).path("findings"), "it is still so");
            List<String> again = answering.calls.subList(asked, answering.calls.size());
            assertFalse(again.contains("getTopologyConf") || again.contains("getNimbusConf"), again.toString());
            answering.refused.clear();
            clock.addAndGet(Refusals.PAUSE_MILLIS);
            assertTrue(look(beside, 3).path("findings").isEmpty(), "it is allowed now");
        });
    }

    @Test
    void whereTheClusterMayNotBeReadThereIsNoObservation() throws Exception {
        Answering answering = new Answering();
        answering.refused.add("getClusterInfo");
        beside(answering, new AtomicLong(1), beside -> {
            JsonNode failed = beside.hello().path("failed");
            assertEquals("REFUSED", failed.path("code").asText());
            assertTrue(failed.path("text").asText().contains("nimbus.admins"), failed.toString());
            assertEquals("REFUSED", look(beside, 1).path("failed").path("code").asText());
        });
    }

    @Test
    void aNimbusThatIsGoneIsNotTakenForTopologiesThatCannotBeRead() throws Exception {
        Answering answering = new Answering();
        beside(answering, new AtomicLong(1), beside -> {
            look(beside, 1);
            answering.gone = true;
            JsonNode answer = look(beside, 2);
            assertEquals("UNREACHABLE", answer.path("failed").path("code").asText());
            assertFalse(answer.has("observation"));
            answering.gone = false;
            assertTrue(look(beside, 3).has("observation"));
        });
    }

    @Test
    void whatIsNoQuestionIsAnsweredWithWhatIsExpected() throws Exception {
        beside(new Answering(), new AtomicLong(1), beside -> {
            for (String line : List.of("", "rebalance words", "look", "look often", "kill 1 {}", "standing 1 {")) {
                assertEquals("FAILED", beside.answer(line).path("failed").path("code").asText(), line);
            }
        });
    }

    @Test
    void aTopologyStandsWhereItsExecutorsRunAndOneThatEndedNowhere() throws Exception {
        beside(new Answering(), new AtomicLong(1), beside -> {
            JsonNode standing = beside.answer("standing 4 {\"topology\":\"topology-0000-1-1\"}");
            assertEquals(4, standing.path("standing").asInt());
            assertEquals("ACTIVE", standing.path("status").asText());
            JsonNode first = standing.path("executors").path(0);
            assertTrue(first.path("component").asText().startsWith("c"), first.toString());
            assertTrue(first.path("slot").asText().startsWith("node-"), first.toString());
            assertFalse(beside.answer("standing 5 {\"topology\":\"another-1-1\"}").has("status"));
        });
    }

    @Test
    void countsAreAskedForByNameOfTheVeryTopology() throws Exception {
        Answering answering = new Answering();
        String order = "rebalance 7 {\"topology\":\"topology-0000-1-1\",\"executors\":{\"c3\":2},\"wait_secs\":9}";
        beside(answering, new AtomicLong(1), true, beside -> {
            JsonNode answer = beside.answer(order);
            assertEquals(7, answer.path("rebalance").asInt());
            assertFalse(answer.has("failed"), answer.toString());
            RebalanceOptions asked = answering.rebalanced.get("topology-0");
            assertEquals(Map.of("c3", 2), asked.get_num_executors());
            assertEquals(9, asked.get_wait_secs());
            assertFalse(asked.is_set_num_workers());
            for (String wrong : List.of(order.replace("-1-1", "-2-1"), order.replace(":2", ":0"), order.replace("\"c3\":2", ""))) {
                assertEquals("FAILED", beside.answer(wrong).path("failed").path("code").asText(), wrong);
            }
            answering.refused.add("rebalance");
            JsonNode refused = beside.answer(order).path("failed");
            assertEquals("REFUSED", refused.path("code").asText());
            String remedy = refused.path("text").asText();
            assertTrue(remedy.contains("topology.users") && !remedy.contains("readonly"), remedy);
        });
    }

    @Test
    void besideAThalwegThatCameLaterNothingIsChanged() throws Exception {
        Answering answering = new Answering();
        beside(answering, new AtomicLong(1), true, beside -> {
            assertFalse(beside.hello().path("has_thalweg").asBoolean(true));
            answering.conf.put("storm.scheduler", ThalwegScheduler.class.getName());
            JsonNode answer = beside.answer("rebalance 1 {\"topology\":\"topology-0000-1-1\",\"executors\":{\"c3\":2}}");
            assertTrue(answer.path("failed").path("text").asText().contains("undo each other's work"), answer.toString());
            assertTrue(answering.rebalanced.isEmpty());
        });
    }

    @Test
    void whoOnlyLooksChangesNothing() throws Exception {
        Answering answering = new Answering();
        beside(answering, new AtomicLong(1), beside -> {
            JsonNode answer = beside.answer("rebalance 1 {\"topology\":\"topology-0000-1-1\",\"executors\":{\"c3\":2}}");
            assertEquals("FAILED", answer.path("failed").path("code").asText());
            assertTrue(answering.rebalanced.isEmpty());
        });
    }

    @Test
    void supervisorsThatShareAHostAreToldApartByTheirPorts() throws Exception {
        Answering answering = new Answering();
        answering.supervisors.forEach(one -> one.set_host("node-0"));
        beside(answering, new AtomicLong(1), beside -> {
            look(beside, 1);
            assertEquals(NODES, answering.calls.stream().filter("getSupervisorPageInfo"::equals).count());
            answering.refused.add("getSupervisorPageInfo");
            assertTrue(look(beside, 2).path("findings").path("").asText().contains("node-0"), "it is named");
        });
    }

    @Test
    void thatThalwegIsThereAlreadyIsTold() throws Exception {
        Answering answering = new Answering();
        answering.conf.put("storm.scheduler", ThalwegScheduler.class.getName());
        beside(answering, new AtomicLong(1), beside ->
            assertTrue(look(beside, 1).path("findings").path("").asText().contains("thalweg status")
                && beside.hello().path("has_thalweg").asBoolean()));
    }
}
