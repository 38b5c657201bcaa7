package io.thalweg.lab;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.flink.api.common.JobID;
import org.apache.flink.api.common.JobStatus;
import org.apache.flink.autoscaler.JobAutoScalerContext;
import org.apache.flink.autoscaler.JobAutoScalerImpl;
import org.apache.flink.autoscaler.RestApiMetricsCollector;
import org.apache.flink.autoscaler.ScalingExecutor;
import org.apache.flink.autoscaler.ScalingMetricEvaluator;
import org.apache.flink.autoscaler.event.LoggingEventHandler;
import org.apache.flink.autoscaler.realizer.ScalingRealizer;
import org.apache.flink.autoscaler.state.InMemoryAutoScalerStateStore;
import org.apache.flink.autoscaler.tuning.ConfigChanges;
import org.apache.flink.client.program.rest.RestClusterClient;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.metrics.groups.UnregisteredMetricsGroup;
import org.apache.flink.runtime.highavailability.nonha.standalone.StandaloneClientHAServices;

/**
 * Flink's own autoscaler, driven over a cluster without Kubernetes: {@code <host> <port> <interval ms> key=value...}.
 *
 * <p>Each change of parallelism is a line {@code <epoch ms> <vertex>=<parallelism>,...} on standard output.
 */
public final class Autoscaler {
    private static final Pattern JOB = Pattern.compile("\"jid\":\"(\\w+)\".*?\"state\":\"(\\w+)\"");

    private final HttpClient client = HttpClient.newHttpClient();
    private final String url;
    private final Configuration configuration;

    private Autoscaler(String host, String port, Configuration configuration) {
        this.url = "http://" + host + ":" + port;
        this.configuration = configuration;
        configuration.setString("rest.address", host);
        configuration.setString("rest.port", port);
        configuration.setString("jobmanager.scheduler", "adaptive");
        configuration.setString("job.autoscaler.enabled", "true");
    }

    /** A job, in the words of the autoscaler. */
    private static final class Context extends JobAutoScalerContext<JobID> {
        Context(JobID id, JobStatus status, Configuration configuration, String url) {
            super(id, id, status, configuration, new UnregisteredMetricsGroup(),
                    () -> new RestClusterClient<>(configuration, "cluster",
                            (address, errors) -> new StandaloneClientHAServices(url)));
        }
    }

    /** Runs until the process is ended. */
    public static void main(String[] arguments) throws Exception {
        Configuration configuration = new Configuration();
        for (int i = 3; i < arguments.length; i++) {
            String[] pair = arguments[i].split("=", 2);
            configuration.setString(pair[0], pair[1]);
        }
        new Autoscaler(arguments[0], arguments[1], configuration).run(Long.parseLong(arguments[2]));
    }

    private void run(long intervalMillis) throws Exception {
        var store = new InMemoryAutoScalerStateStore<JobID, Context>();
        var events = new LoggingEventHandler<JobID, Context>();
        var scaler = new JobAutoScalerImpl<>(new RestApiMetricsCollector<JobID, Context>(),
                new ScalingMetricEvaluator(), new ScalingExecutor<>(events, store), events, new Requirements(), store);
        while (true) {
            Matcher jobs = JOB.matcher(send("GET", "/jobs/overview", null));
            while (jobs.find()) {
                JobStatus status = JobStatus.valueOf(jobs.group(2));
                if (!status.isTerminalState()) {
                    scaler.scale(new Context(JobID.fromHexString(jobs.group(1)), status, configuration, url));
                }
            }
            Thread.sleep(intervalMillis);
        }
    }

    private String send(String method, String path, String body) throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(URI.create(url + path)).header("Content-Type", "application/json")
                .method(method, body == null ? BodyPublishers.noBody() : BodyPublishers.ofString(body)).build();
        return client.send(request, BodyHandlers.ofString()).body();
    }

    /** Changes parallelism through resource requirements, as the adaptive scheduler offers. */
    private final class Requirements implements ScalingRealizer<JobID, Context> {
        private Map<String, String> last = Map.of();

        @Override
        public void realizeParallelismOverrides(Context job, Map<String, String> overrides) throws Exception {
            Map<String, String> desired = new TreeMap<>(overrides);
            if (desired.equals(last)) {
                return;
            }
            StringBuilder body = new StringBuilder();
            desired.forEach((vertex, parallelism) -> body.append(body.length() == 0 ? "{" : ",").append('"').append(vertex)
                    .append("\":{\"parallelism\":{\"lowerBound\":1,\"upperBound\":").append(parallelism).append("}}"));
            long now = System.currentTimeMillis();
            send("PUT", "/jobs/" + job.getJobID() + "/resource-requirements", body.append('}').toString());
            System.out.println(now + " " + desired.toString().replaceAll("[{} ]", ""));
            last = desired;
        }

        @Override
        public void realizeConfigOverrides(Context job, ConfigChanges changes) {
            // Parallelism only: a session cluster cannot change a running job's memory.
        }
    }
}
