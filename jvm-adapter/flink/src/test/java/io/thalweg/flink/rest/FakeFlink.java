package io.thalweg.flink.rest;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;

/** A JobManager's REST interface with prepared answers; what it has none for is not found. */
public final class FakeFlink implements AutoCloseable {
    private record Answer(int status, String body) { }

    private final HttpServer server;
    private final List<String> changes = new CopyOnWriteArrayList<>();
    private volatile String authorization = "";
    private final Map<String, Answer> answers = new ConcurrentHashMap<>();

    /** Begins to answer. */
    public FakeFlink() throws IOException {
        this(HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0), "/");
    }

    /** Begins to answer behind a server that may encrypt, below a path. */
    FakeFlink(HttpServer server, String path) {
        this.server = server;
        server.createContext(path, exchange -> answer(exchange, path.length() - 1));
        server.start();
    }

    /** Answers a path, whatever its query, with JSON. */
    public FakeFlink on(String path, String json) {
        return on(path, 200, json);
    }

    /** Answers a path with this status. */
    public FakeFlink on(String path, int status, String body) {
        answers.put(path, new Answer(status, body));
        return this;
    }

    /** Has no answer any more. */
    public void off(String path) {
        answers.remove(path);
    }

    /** A running job with one vertex of one subtask on TaskManager n1, which takes checkpoints. */
    public FakeFlink streamingJob(String id, String name) {
        String job = "/jobs/" + id;
        String vertex = vertexOf(id);
        on(job, """
                {"jid": "%s", "name": "%s", "state": "RUNNING", "job-type": "STREAMING", "schedulerType": "Adaptive",
                 "vertices": [{"id": "%s", "name": "source", "maxParallelism": 128, "parallelism": 1, "status": "RUNNING"}],
                 "plan": {"nodes": [{"id": "%s"}]}}""".formatted(id, name, vertex, vertex));
        on(job + "/checkpoints/config", "{\"interval\": 5000}");
        on(job + "/checkpoints", "{\"latest\": {\"completed\": {\"id\": 1, \"end_to_end_duration\": 10}}, \"history\": []}");
        on(job + "/vertices/" + vertex, """
                {"subtasks": [{"subtask": 0, "attempt": 0, "status": "RUNNING", "taskmanager-id": "n1", "metrics": {
                  "read-records-complete": true, "write-records-complete": true, "read-records": 0, "write-records": 9,
                  "accumulated-busy-time": 10, "accumulated-backpressured-time": 0, "accumulated-idle-time": 90}}]}""");
        on(job + "/vertices/" + vertex + "/subtasks/metrics", "[]");
        return on(job + "/resource-requirements",
                "{\"%s\": {\"parallelism\": {\"lowerBound\": 1, \"upperBound\": 1}}}".formatted(vertex));
    }

    /** The id of the vertex of such a job. */
    public static String vertexOf(String job) {
        return "00000000000000000000000000000000".substring(job.length()) + job;
    }

    /** TaskManager n1 with four slots. */
    public FakeFlink taskManager() {
        on("/taskmanagers", """
                {"taskmanagers": [{"id": "n1", "path": "pekko.tcp://flink@10.0.0.1:1/x", "slotsNumber": 4, "freeSlots": 2,
                  "totalResource": {"cpuCores": 4}, "hardware": {"physicalMemory": 1073741824}}]}""");
        return on("/jobmanager/metrics", "[]");
    }

    /** What it was asked to change: bodies of requests. */
    public List<String> changes() {
        return changes;
    }

    /** The port on which it answers. */
    public int port() {
        return server.getAddress().getPort();
    }

    /** What the last request had to say for itself; empty for nothing. */
    String authorization() {
        return authorization;
    }

    /** Speaks to it. */
    public Rest rest() {
        return new Rest(RestAccess.plain("http://127.0.0.1:" + port()));
    }

    @Override
    public void close() {
        server.stop(0);
    }

    private void answer(HttpExchange exchange, int prefix) throws IOException {
        String path = exchange.getRequestURI().getPath().substring(prefix);
        authorization = exchange.getRequestHeaders().getOrDefault("Authorization", List.of("")).get(0);
        Answer answer = answers.getOrDefault(path, new Answer(404, "{}"));
        if (exchange.getRequestMethod().equals("PUT")) {
            changes.add(new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8));
        }
        byte[] body = answer.body.getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(answer.status, body.length);
        try (var out = exchange.getResponseBody()) {
            out.write(body);
        }
    }
}
