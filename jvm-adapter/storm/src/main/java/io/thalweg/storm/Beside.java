package io.thalweg.storm;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.thalweg.storm.cluster.NimbusLink;
import io.thalweg.storm.cluster.Refusals;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import org.apache.storm.Config;
import org.apache.storm.DaemonConfig;
import org.apache.storm.generated.AuthorizationException;
import org.apache.storm.generated.ClusterSummary;
import org.apache.storm.generated.InvalidTopologyException;
import org.apache.storm.generated.NimbusSummary;
import org.apache.storm.generated.NotAliveException;
import org.apache.storm.thrift.TException;
import org.apache.storm.thrift.transport.TTransportException;
import org.apache.storm.utils.NimbusLeaderNotFoundException;
import org.apache.storm.utils.Utils;
import org.apache.storm.utils.VersionInfo;

/**
 * The part of {@code thalweg advise storm} and {@code thalweg run storm} that speaks to Nimbus: a process of its own that the
 * command starts, with Storm's own client and configuration. It only asks, unless it was started to change the cluster too.
 *
 * <p>A line of JSON at its output tells what cluster it is, or why there is none. Then each line at its input, a word with a
 * number and what it is about, is answered by a line with that number, or with why there is no answer: {@code look N} by an
 * observation, {@code standing N {"topology": ID}} by how a topology stands, and {@code rebalance N {"topology": ID,
 * "executors": {...}, "wait_secs": S}} when Nimbus has taken that up. It ends when its input does, in the middle of a look too:
 * then whoever started it is gone.
 */
public final class Beside {
    /** What the lines mean; the command takes no other. */
    static final int VERSION = 2;
    /** The argument that lets it change the cluster. */
    static final String CHANGES = "--changes";
    private static final ObjectMapper JSON = new ObjectMapper();
    /** Nimbus's settings that say how old what it tells may be. */
    private static final String[] TIMES = {
        Config.EXECUTOR_METRICS_FREQUENCY_SECS, DaemonConfig.NIMBUS_MONITOR_FREQ_SECS, Config.TASK_REFRESH_POLL_SECS
    };

    private final Map<String, Object> conf;
    private final Outside outside;
    private final Rebalances rebalances;
    private final boolean changes;

    Beside(Map<String, Object> conf, Questions questions, boolean changes) {
        this.conf = conf;
        this.outside = new Outside(questions);
        this.rebalances = new Rebalances(questions);
        this.changes = changes;
    }

    /** Runs until the input ends. */
    public static void main(String[] arguments) throws InterruptedException {
        PrintStream answers = System.out;
        // Whatever else is printed is no answer: loggers have to find it like this.
        System.setOut(System.err);
        BlockingQueue<String> asked = asked(System.in);
        Map<String, Object> conf = NimbusLink.bounded(Utils.readStormConfig());
        NimbusLink nimbus = NimbusLink.toLeader(conf, new Refusals());
        Questions questions = new Questions(nimbus, new Denials(System::currentTimeMillis));
        Beside beside = new Beside(conf, questions, List.of(arguments).contains(CHANGES));
        say(answers, beside.hello());
        while (true) {
            say(answers, beside.answer(asked.take()));
        }
    }

    /** Lines as they come; ends this process when there are no more. */
    private static BlockingQueue<String> asked(InputStream input) {
        BlockingQueue<String> lines = new LinkedBlockingQueue<>();
        Thread reader = new Thread(() -> {
            try (BufferedReader in = new BufferedReader(new InputStreamReader(input, StandardCharsets.UTF_8))) {
                for (String line = in.readLine(); line != null; line = in.readLine()) {
                    lines.add(line);
                }
            } catch (IOException e) {
                System.err.println("the input cannot be read: " + e);
            }
            // Threads of Storm's client may still wait for Nimbus.
            Runtime.getRuntime().halt(0);
        }, "thalweg-asked");
        reader.setDaemon(true);
        reader.start();
        return lines;
    }

    private static void say(PrintStream answers, ObjectNode answer) {
        byte[] line = (answer + "\n").getBytes(StandardCharsets.UTF_8);
        answers.write(line, 0, line.length);
        answers.flush();
    }

    /** The first line: which cluster this is, or why nobody can tell. */
    ObjectNode hello() {
        ObjectNode hello = JSON.createObjectNode().put("thalweg_storm", VERSION);
        try {
            ClusterSummary cluster = outside.cluster();
            String version = VersionInfo.getVersion();
            String place = "";
            for (NimbusSummary nimbus : cluster.get_nimbuses()) {
                if (nimbus.is_isLeader()) {
                    place = nimbus.get_host() + ":" + nimbus.get_port();
                    version = nimbus.get_version();
                }
            }
            hello.put("version", version).put("place", place);
            Map<String, Object> all = new HashMap<>(conf);
            Map<String, Object> told = outside.conf();
            all.putAll(told);
            if (!told.isEmpty()) {
                hello.put("has_thalweg", Outside.isThalweg(told));
            }
            ObjectNode settings = hello.putObject("settings");
            for (String key : TIMES) {
                if (all.get(key) instanceof Number number) {
                    settings.put(key, number.longValue());
                }
            }
        } catch (TException | RuntimeException e) {
            fail(hello, e);
        }
        return hello;
    }

    /** What a line of the input is answered with. */
    ObjectNode answer(String line) {
        ObjectNode answer = JSON.createObjectNode();
        String[] parts = line.split(" ", 3);
        try {
            if (parts.length < 2) {
                throw new IllegalArgumentException("expected a word and a number");
            }
            answer.put(parts[0], Long.parseLong(parts[1]));
            JsonNode about = JSON.readTree(parts.length > 2 ? parts[2] : "{}");
            switch (parts[0]) {
                case "look" -> look(answer);
                case "standing" -> rebalances.standing(about.path("topology").asText(), answer);
                case "rebalance" -> rebalance(about);
                default -> throw new IllegalArgumentException("expected look, standing or rebalance");
            }
        } catch (IOException | TException | RuntimeException e) {
            fail(answer, e);
        }
        return answer;
    }

    private void look(ObjectNode answer) throws TException {
        Outside.Look look = outside.look(System.currentTimeMillis());
        answer.put("observation", look.observation());
        ObjectNode findings = answer.putObject("findings");
        look.findings().forEach((about, texts) -> findings.put(about, String.join("; ", texts)));
    }

    private void rebalance(JsonNode order) throws TException {
        if (!changes) {
            throw new IllegalStateException("this was started to look only");
        }
        // It may have come since the last look.
        if (outside.hasThalweg()) {
            throw new IllegalStateException("Thalweg is the scheduler in Nimbus, and two would undo each other's work");
        }
        rebalances.ask(order);
    }

    private static void fail(ObjectNode answer, Exception e) {
        String said = said(e);
        answer.putObject("failed").put("code", code(e)).put("text", said == null ? e.toString() : said);
    }

    /** What an exception says; those that Thrift makes hold it elsewhere. */
    private static String said(Exception e) {
        if (e instanceof AuthorizationException refusal) {
            return refusal.get_msg();
        }
        if (e instanceof NotAliveException gone) {
            return gone.get_msg();
        }
        return e instanceof InvalidTopologyException invalid ? invalid.get_msg() : e.getMessage();
    }

    private static String code(Exception e) {
        if (e instanceof AuthorizationException) {
            return "REFUSED";
        }
        if (e instanceof JsonProcessingException) {
            // Though it is an IOException as well.
            return "FAILED";
        }
        boolean unreachable = e instanceof TTransportException || e instanceof NimbusLeaderNotFoundException
            || Utils.exceptionCauseIsInstanceOf(TTransportException.class, e) || Utils.exceptionCauseIsInstanceOf(IOException.class, e);
        return unreachable ? "UNREACHABLE" : "FAILED";
    }
}
