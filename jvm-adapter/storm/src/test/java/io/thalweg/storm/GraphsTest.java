package io.thalweg.storm;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.thalweg.storm.cluster.NimbusLink;
import io.thalweg.storm.cluster.Refusals;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.storm.generated.ExecutorInfo;
import org.apache.storm.generated.ExecutorSummary;
import org.apache.storm.generated.Nimbus;
import org.apache.storm.generated.StormTopology;
import org.apache.storm.generated.TopologySummary;
import org.apache.storm.scheduler.TopologyDetails;
import org.apache.storm.topology.TopologyBuilder;
import org.apache.storm.utils.NimbusClient;
import org.junit.jupiter.api.Test;

class GraphsTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    /** Tasks 1 and 2, then 3 to 6. */
    private static final StormTopology WORDS = words();

    private final List<String> calls = new ArrayList<>();

    private static StormTopology words() {
        TopologyBuilder builder = new TopologyBuilder();
        builder.setSpout("lines", new Synthetic.Source(), 2).setNumTasks(2);
        builder.setBolt("split", new Synthetic.Operator(), 2).setNumTasks(4).shuffleGrouping("lines");
        return builder.createTopology();
    }

    private Nimbus.Iface nimbus() {
        Map<String, Object> conf = new HashMap<>(Synthetic.CONF);
        conf.putAll(Map.of("topology.workers", 3, "topology.acker.executors", 0));
        return (Nimbus.Iface) Proxy.newProxyInstance(getClass().getClassLoader(), new Class<?>[] {Nimbus.Iface.class},
            (proxy, method, arguments) -> {
                calls.add(method.getName());
                return method.getName().equals("getTopologyConf") ? JSON.writeValueAsString(conf) : WORDS;
            });
    }

    private static TopologySummary summary(int executors, int workers, String status) {
        return new TopologySummary("words-1-1", "words", 6, executors, workers, 100, status);
    }

    private static ExecutorSummary executor(String component, int first, int last) {
        return new ExecutorSummary(new ExecutorInfo(first, last), component, "host", 6700, 10);
    }

    /** What a topology is seen as. */
    @FunctionalInterface
    private interface Seen {
        void by(Graphs graphs, Questions questions) throws Exception;
    }

    @SuppressWarnings("try")
    private void seen(Seen seen) throws Exception {
        NimbusLink link = NimbusLink.toLeader(Synthetic.CONF, new Refusals());
        try (NimbusClient.LocalOverride override = new NimbusClient.LocalOverride(nimbus());
             Questions questions = new Questions(link, new Denials(() -> 1))) {
            seen.by(new Graphs(), questions);
        }
    }

    @Test
    void tasksWithoutAnExecutorBelongToTheirComponent() throws Exception {
        seen((graphs, questions) -> {
            List<ExecutorSummary> running = List.of(executor("lines", 1, 1), executor("split", 3, 4));
            TopologyShape shape = TopologyShape.of(graphs.of(summary(4, 2, "ACTIVE"), running, questions).details());
            assertEquals(List.of("lines 1-2", "split 3-6"), spans(shape));
            // A Nimbus that has just begun to lead lists none.
            Graphs.Whole none = graphs.of(summary(4, 0, "ACTIVE"), List.of(), questions);
            assertEquals(List.of("lines 1-2", "split 3-6"), spans(TopologyShape.of(none.details())));
            assertEquals(List.of("lines 1-2", "split 3-6"), none.executors().stream().map(one -> one.get_component_id() + " "
                + one.get_executor_info().get_task_start() + "-" + one.get_executor_info().get_task_end()).toList());
        });
    }

    @Test
    void whereTasksAreNumberedOtherwiseWhatIsListedCounts() throws Exception {
        seen((graphs, questions) -> {
            List<ExecutorSummary> running = List.of(executor("split", 1, 4), executor("lines", 5, 6));
            TopologyShape shape = TopologyShape.of(graphs.of(summary(2, 2, "ACTIVE"), running, questions).details());
            assertEquals(List.of("lines 5-6", "split 1-4"), spans(shape));
        });
    }

    @Test
    void graphsAreReadAgainOnlyAfterARebalance() throws Exception {
        seen((graphs, questions) -> {
            List<ExecutorSummary> running = List.of(executor("lines", 1, 2), executor("split", 3, 6));
            TopologyDetails details = graphs.of(summary(2, 2, "ACTIVE"), running, questions).details();
            assertEquals(3, details.getNumWorkers(), "as many as it asks for");
            graphs.of(summary(2, 2, "ACTIVE"), running, questions);
            assertEquals(List.of("getTopologyConf", "getUserTopology"), calls);
            details = graphs.of(summary(2, 4, "ACTIVE"), running, questions).details();
            assertEquals(4, details.getNumWorkers(), "it must have asked for more since");
            assertEquals(4, calls.size());
        });
    }

    private static List<String> spans(TopologyShape shape) {
        return shape.components().stream().filter(component -> !component.id().startsWith("__"))
            .map(component -> component.id() + " " + component.firstTask() + "-" + component.lastTask()).toList();
    }
}
