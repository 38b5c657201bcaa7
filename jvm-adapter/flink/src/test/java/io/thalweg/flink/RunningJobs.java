package io.thalweg.flink;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.thalweg.bridge.Costs;
import io.thalweg.flink.rest.FakeFlink;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** A JobManager's REST interface to jobs that run and count as if they did; it notes when it is asked. */
final class RunningJobs implements AutoCloseable {
    private static final int VERTICES = 10;
    private static final int SUBTASKS = 2;
    private static final int NODES = 50;
    private static final int RATE = 100;
    private static final Pattern JOB = Pattern.compile("/jobs/job-(\\d+)(/.*)?");
    private static final Pattern VERTEX = Pattern.compile("/vertices/([0-9a-f]+)(/.*)?");
    private static final String EMPTY = "[]";

    private final int jobs;
    private final HttpServer server;
    private final ExecutorService answering = Executors.newFixedThreadPool(2);
    private final long begun = System.nanoTime();
    private final List<Long> calls = new ArrayList<>();
    private final List<Long> looks = new ArrayList<>();

    RunningJobs(int jobs) throws IOException {
        this.jobs = jobs;
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", this::answer);
        server.setExecutor(answering);
        server.start();
    }

    int port() {
        return server.getAddress().getPort();
    }

    int subtasks() {
        return jobs * VERTICES * SUBTASKS;
    }

    @Override
    public void close() {
        server.stop(0);
        answering.shutdownNow();
    }

    /** Waits until this many looks have begun. */
    synchronized void awaitLooks(int count) throws InterruptedException {
        while (looks.size() <= count) {
            wait();
        }
    }

    /** The calls of the look before the last. */
    synchronized long callsOfALook() {
        long end = looks.get(looks.size() - 1);
        long begin = looks.get(looks.size() - 2);
        return calls.stream().filter(call -> call >= begin && call < end).count();
    }

    synchronized int mostCallsInASecond() {
        return Costs.mostInASecond(calls);
    }

    private synchronized void note(String path) {
        calls.add(System.nanoTime());
        // A look begins with this one.
        if (path.equals("/jobmanager/metrics")) {
            looks.add(System.nanoTime());
            notifyAll();
        }
    }

    private void answer(HttpExchange exchange) throws IOException {
        String path = exchange.getRequestURI().getPath();
        note(path);
        String json = body(path);
        byte[] body = (json == null ? "{}" : json).getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(json == null ? 404 : 200, body.length);
        try (var out = exchange.getResponseBody()) {
            out.write(body);
        }
    }

    /** The answer; null for what is not there. */
    private String body(String path) {
        Matcher job = JOB.matcher(path);
        if (job.matches()) {
            return job(Integer.parseInt(job.group(1)), job.group(2) == null ? "" : job.group(2));
        }
        return switch (path) {
            case "/config" -> "{\"flink-version\": \"2.2.0\"}";
            case "/jobs" -> "{\"jobs\": [" + each(jobs, id -> "{\"id\": \"job-" + id + "\", \"status\": \"RUNNING\"}") + "]}";
            case "/taskmanagers" -> "{\"taskmanagers\": [" + each(NODES, RunningJobs::node) + "]}";
            case "/jobmanager/metrics" -> EMPTY;
            default -> path.startsWith("/taskmanagers/") ? EMPTY : null;
        };
    }

    private static String each(int count, java.util.function.IntFunction<String> one) {
        return IntStream.range(0, count).mapToObj(one).collect(Collectors.joining(","));
    }

    private static String node(int index) {
        return """
            {"id": "n%d", "path": "pekko.tcp://flink@10.0.0.%d:1/x", "slotsNumber": 40, "freeSlots": 0,
             "totalResource": {"cpuCores": 4}, "hardware": {"physicalMemory": 1073741824}}""".formatted(index, index);
    }

    private String job(int id, String rest) {
        Matcher vertex = VERTEX.matcher(rest);
        if (vertex.matches()) {
            return vertex.group(2) == null ? subtasksOf(id) : EMPTY;
        }
        return switch (rest) {
            case "" -> graph(id);
            case "/checkpoints/config" -> "{\"interval\": 5000}";
            case "/checkpoints" -> "{\"latest\": {\"completed\": {\"id\": 1, \"end_to_end_duration\": 10}}, \"history\": []}";
            case "/resource-requirements" -> "{" + each(VERTICES, v -> "\"" + vertex(v)
                    + "\": {\"parallelism\": {\"lowerBound\": 1, \"upperBound\": 2}}") + "}";
            default -> null;
        };
    }

    private static String vertex(int index) {
        return FakeFlink.vertexOf(String.valueOf(index + 1));
    }

    private static String graph(int id) {
        String vertices = each(VERTICES, v -> """
            {"id": "%s", "name": "v%d", "maxParallelism": 128, "parallelism": %d, "status": "RUNNING"}"""
            .formatted(vertex(v), v, SUBTASKS));
        String nodes = each(VERTICES, v -> v == 0 ? "{\"id\": \"" + vertex(v) + "\"}" : """
            {"id": "%s", "inputs": [{"id": "%s", "ship_strategy": "REBALANCE"}]}""".formatted(vertex(v), vertex(v - 1)));
        return """
            {"jid": "job-%d", "name": "job %d", "state": "RUNNING", "job-type": "STREAMING", "schedulerType": "Adaptive",
             "vertices": [%s], "plan": {"nodes": [%s]}}""".formatted(id, id, vertices, nodes);
    }

    private String subtasksOf(int id) {
        long millis = (System.nanoTime() - begun) / 1_000_000;
        long records = millis * RATE / 1000;
        return "{\"subtasks\": [" + each(SUBTASKS, s -> """
            {"subtask": %d, "attempt": 0, "status": "RUNNING", "taskmanager-id": "n%d", "duration": %d, "metrics": {
             "read-records-complete": true, "write-records-complete": true, "read-records": %d, "write-records": %d,
             "accumulated-busy-time": %d, "accumulated-backpressured-time": 0, "accumulated-idle-time": %d}}"""
            .formatted(s, (id + s) % NODES, millis, records, records, millis / 10, millis - millis / 10)) + "]}";
    }
}
