package io.thalweg.flink.rest;

import io.thalweg.shell.Pace;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.ObjectMapper;

/** The JobManager's REST interface. */
public final class Rest {
    /** The JobManager answered with an error: it is there, but what was asked for is not, or is not done. */
    public static final class Refused extends IOException {
        private static final long serialVersionUID = 1L;
        private static final int NOT_FOUND = 404;

        private final int status;

        Refused(String path, int status, String body) {
            super(path + ": " + status + " " + body);
            this.status = status;
        }

        /** Whether what was asked for is not there. */
        public boolean isNotFound() {
            return status == NOT_FOUND;
        }
    }

    private static final Duration TIMEOUT = Duration.ofSeconds(5);
    private static final String CONFIG = "/config";
    private static final ObjectMapper JSON = new ObjectMapper();

    private final HttpClient client;
    private final RestAccess access;
    /** What questions wait for, or null. */
    private final Pace pace;

    /** Speaks to a JobManager. */
    public Rest(RestAccess access) {
        this.access = access;
        this.pace = null;
        HttpClient.Builder builder = HttpClient.newBuilder().connectTimeout(TIMEOUT);
        if (access.tls() != null) {
            builder.sslContext(access.tls());
        }
        client = builder.build();
    }

    private Rest(Rest other, Pace pace) {
        this.access = other.access;
        this.client = other.client;
        this.pace = pace;
    }

    /** The same, whose questions wait for this pace. */
    public Rest paced(Pace by) {
        return new Rest(this, by);
    }

    /** Asks. */
    public JsonNode get(String path) throws IOException, InterruptedException {
        if (pace != null) {
            pace.await();
        }
        return send(request(base(), path).GET().build(), path);
    }

    /** Changes. */
    public void put(String path, JsonNode body) throws IOException, InterruptedException {
        send(request(base(), path).PUT(BodyPublishers.ofString(body.toString())).build(), path);
    }

    private String base() throws IOException, InterruptedException {
        return access.address().base(this::isFlink);
    }

    private boolean isFlink(String base) throws InterruptedException {
        try {
            return send(request(base, CONFIG).GET().build(), CONFIG).has("flink-version");
        } catch (IOException e) {
            // Another of this process's servers.
            return false;
        }
    }

    private HttpRequest.Builder request(String base, String path) throws IOException {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(base + path)).timeout(TIMEOUT)
                .header("Content-Type", "application/json");
        String authorization = access.authorizationNow();
        return authorization == null ? request : request.header("Authorization", authorization);
    }

    private JsonNode send(HttpRequest request, String path) throws IOException, InterruptedException {
        HttpResponse<String> answer = client.send(request, BodyHandlers.ofString());
        if (answer.statusCode() / 100 != 2) {
            throw new Refused(path, answer.statusCode(), answer.body());
        }
        return JSON.readTree(answer.body());
    }
}
