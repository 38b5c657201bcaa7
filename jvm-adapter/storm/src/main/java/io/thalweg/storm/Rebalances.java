package io.thalweg.storm;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.HashMap;
import java.util.Map;
import org.apache.storm.generated.ExecutorSummary;
import org.apache.storm.generated.NotAliveException;
import org.apache.storm.generated.RebalanceOptions;
import org.apache.storm.generated.TopologyInfo;
import org.apache.storm.thrift.TException;

/** Storm's own rebalance from beside, and how a topology stands before and after it. */
final class Rebalances {
    private static final String ACTIVE = "ACTIVE";

    private final Questions questions;

    Rebalances(Questions questions) {
        this.questions = questions;
    }

    /** Writes the status of a topology and where its executors run for how long; nothing of one that has ended. */
    void standing(String topology, ObjectNode answer) throws TException {
        TopologyInfo info;
        try {
            info = questions.info(topology);
        } catch (NotAliveException e) {
            return;
        }
        answer.put("status", info.get_status());
        ArrayNode executors = answer.putArray("executors");
        for (ExecutorSummary one : info.get_executors()) {
            executors.addObject().put("component", one.get_component_id())
                .put("first", one.get_executor_info().get_task_start()).put("last", one.get_executor_info().get_task_end())
                .put("slot", one.get_host() + ":" + one.get_port()).put("uptime_secs", Math.max(0, one.get_uptime_secs()));
        }
    }

    /**
     * Asks Nimbus for other executor counts. The number of workers stays what the topology's user asked for.
     *
     * @throws IllegalStateException if the topology is not in a state from which that leads anywhere
     */
    void ask(JsonNode order) throws TException {
        String topology = order.path("topology").asText();
        TopologyInfo info = questions.info(topology);
        if (!ACTIVE.equals(info.get_status()) && !"INACTIVE".equals(info.get_status())) {
            throw new IllegalStateException(topology + " is " + info.get_status());
        }
        RebalanceOptions options = new RebalanceOptions();
        options.set_wait_secs(order.path("wait_secs").asInt());
        options.set_num_executors(counts(order.path("executors")));
        // Nimbus takes a name; that this name still means this topology was asked just before.
        questions.ask("rebalance", topology, nimbus -> {
            nimbus.rebalance(info.get_name(), options);
            return null;
        });
    }

    private static Map<String, Integer> counts(JsonNode executors) {
        Map<String, Integer> counts = new HashMap<>();
        executors.properties().forEach(one -> counts.put(one.getKey(), one.getValue().asInt()));
        if (counts.isEmpty() || counts.values().stream().anyMatch(count -> count < 1)) {
            throw new IllegalArgumentException("expected executor counts of at least 1, got " + executors);
        }
        return counts;
    }
}
