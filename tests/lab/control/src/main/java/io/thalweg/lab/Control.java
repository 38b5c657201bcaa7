package io.thalweg.lab;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.apache.storm.generated.GetInfoOptions;
import org.apache.storm.generated.KillOptions;
import org.apache.storm.generated.Nimbus;
import org.apache.storm.generated.NumErrorsChoice;
import org.apache.storm.generated.RebalanceOptions;
import org.apache.storm.generated.TopologyInfo;
import org.apache.storm.generated.TopologySummary;
import org.apache.storm.shade.net.minidev.json.JSONObject;
import org.apache.storm.shade.net.minidev.json.JSONValue;
import org.apache.storm.utils.NimbusClient;
import org.apache.storm.utils.Utils;

/**
 * Speaks to Nimbus for programs that are no JVM.
 *
 * <p>Each line on standard input is a request {@code {"id": n, "do": verb, ...}}; each gets one line on standard output,
 * {@code {"id": n, "ok": answer}} or {@code {"id": n, "error": text}}. Ends with its input.
 */
public final class Control {
    /** One that stands still accepts connections and never answers; a question is asked again by whoever waits. */
    private static final int QUESTION_TIMEOUT_MILLIS = 3_000;
    private static final int ORDER_TIMEOUT_MILLIS = 15_000;

    private final Map<String, Object> configuration = Utils.readStormConfig();
    private NimbusClient client;
    private int timeoutMillis;

    private Control() {}

    /** Serves requests until standard input ends. */
    public static void main(String[] arguments) throws Exception {
        PrintStream answers = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        System.setOut(System.err); // whatever a library prints must not be taken for an answer
        Control control = new Control();
        BufferedReader requests = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = requests.readLine(); line != null; line = requests.readLine()) {
            answers.println(control.answer((JSONObject) JSONValue.parse(line)));
        }
    }

    private String answer(JSONObject request) {
        JSONObject answer = new JSONObject().appendField("id", request.get("id"));
        try {
            answer.put("ok", perform(request));
        } catch (Exception e) {
            close(); // a Nimbus that restarted needs a new connection
            answer.put("error", e.toString());
        }
        return answer.toJSONString();
    }

    private Object perform(JSONObject request) throws Exception {
        String verb = request.getAsString("do");
        String name = request.getAsString("name");
        return switch (verb) {
            case "cluster" -> Answers.supervisors(nimbus().getClusterInfo());
            case "topologies" -> Answers.topologies(nimbus().getTopologySummaries());
            case "info" -> Answers.topology(info(name));
            case "rebalance" -> done(nimbus -> nimbus.rebalance(name, rebalanceOptions(request)));
            case "kill" -> done(nimbus -> nimbus.killTopologyWithOpts(name, killOptions(request)));
            case "activate" -> done(nimbus -> nimbus.activate(name));
            case "deactivate" -> done(nimbus -> nimbus.deactivate(name));
            default -> throw new IllegalArgumentException("unknown request: " + verb);
        };
    }

    private TopologyInfo info(String name) throws Exception {
        GetInfoOptions options = new GetInfoOptions();
        options.set_num_err_choice(NumErrorsChoice.NONE);
        for (TopologySummary summary : nimbus().getTopologySummaries()) {
            if (summary.get_name().equals(name)) {
                return nimbus().getTopologyInfoWithOpts(summary.get_id(), options);
            }
        }
        throw new IllegalArgumentException("no topology " + name);
    }

    private static RebalanceOptions rebalanceOptions(JSONObject request) {
        RebalanceOptions options = new RebalanceOptions();
        options.set_wait_secs(request.getAsNumber("waitSecs").intValue());
        if (request.get("workers") != null) {
            options.set_num_workers(request.getAsNumber("workers").intValue());
        }
        if (request.get("executors") instanceof Map<?, ?> executors) {
            executors.forEach((component, count) ->
                    options.put_to_num_executors((String) component, ((Number) count).intValue()));
        }
        return options;
    }

    private static KillOptions killOptions(JSONObject request) {
        KillOptions options = new KillOptions();
        options.set_wait_secs(request.getAsNumber("waitSecs").intValue());
        return options;
    }

    private interface Order {
        void on(Nimbus.Iface nimbus) throws Exception;
    }

    private boolean done(Order order) throws Exception {
        order.on(nimbus(ORDER_TIMEOUT_MILLIS));
        return true;
    }

    private Nimbus.Iface nimbus() {
        return nimbus(QUESTION_TIMEOUT_MILLIS);
    }

    private Nimbus.Iface nimbus(int millis) {
        if (client == null || timeoutMillis != millis) {
            close();
            client = NimbusClient.Builder.withConf(configuration).withTimeout(millis).build();
            timeoutMillis = millis;
        }
        return client.getClient();
    }

    private void close() {
        if (client != null) {
            client.close();
            client = null;
        }
    }
}
