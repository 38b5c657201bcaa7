package io.thalweg.flink.rest;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.function.IntPredicate;
import java.util.stream.Stream;

/**
 * The base of all URLs of a JobManager's REST interface. Where Flink chooses the port itself ({@code rest.bind-port} is a
 * range or 0, as on YARN), it is one that this process listens on.
 */
public final class RestAddress {
    /** Whether the REST interface of a JobManager answers at this base. */
    interface Probe {
        boolean answers(String base) throws InterruptedException;
    }

    private static final String DEFAULT_PORT = "8081";

    private final String host;
    private final String ports;
    private String base;

    private RestAddress(String host, String ports, String base) {
        this.host = host;
        this.ports = ports;
        this.base = base;
    }

    /** At this URL, which may have a path. */
    static RestAddress fixed(String url) {
        return new RestAddress("", "", url.endsWith("/") ? url.substring(0, url.length() - 1) : url);
    }

    /** Where Flink's configuration says. */
    static RestAddress of(String scheme, Map<String, String> configuration) {
        String host = scheme + "://" + configuration.getOrDefault("rest.address",
                configuration.getOrDefault("jobmanager.rpc.address", "localhost"));
        String port = configuration.getOrDefault("rest.port", DEFAULT_PORT);
        String ports = configuration.getOrDefault("rest.bind-port", port);
        if (ports.matches("[1-9]\\d*")) {
            // Behind a port that is forwarded the two differ; then the one for clients is right.
            return fixed(host + ":" + (port.equals("0") ? ports : port));
        }
        return new RestAddress(host, ports, null);
    }

    /** The base; looks for the port until one answers. */
    synchronized String base(Probe probe) throws IOException, InterruptedException {
        if (base == null) {
            base = find(OwnPorts.listening(), probe);
        }
        return base;
    }

    private String find(List<Integer> listening, Probe probe) throws IOException, InterruptedException {
        IntPredicate allowed = allowed(ports);
        for (int port : listening) {
            String candidate = host + ":" + port;
            if (allowed.test(port) && probe.answers(candidate)) {
                return candidate;
            }
        }
        throw new IOException("none of the ports " + listening + " that this process listens on, as far as rest.bind-port ("
                + ports + ") allows them, is Flink's REST interface: set thalweg.flink.rest.url");
    }

    /** Flink's notation: numbers and ranges with commas between them; 0 is any. */
    static IntPredicate allowed(String ports) {
        List<int[]> ranges = Stream.of(ports.split(",")).map(RestAddress::range).toList();
        return port -> ranges.stream().anyMatch(range -> range[0] <= port && port <= range[1]);
    }

    private static int[] range(String text) {
        int[] ends;
        try {
            ends = Stream.of(text.split("-")).mapToInt(end -> Integer.parseInt(end.strip())).toArray();
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException("rest.bind-port: " + text + " is neither a port nor a range of ports", e);
        }
        return ends.length == 1 && ends[0] == 0 ? new int[] {1, 65535} : new int[] {ends[0], ends[ends.length - 1]};
    }

    @Override
    public String toString() {
        return base == null ? host + ":" + ports : base;
    }
}
