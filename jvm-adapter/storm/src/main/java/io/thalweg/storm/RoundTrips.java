package io.thalweg.storm;

import io.thalweg.storm.cluster.NodeFacts;
import io.thalweg.shell.Threads;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * Measures how long it takes from this host to each supervisor and back, by opening a connection. One for each look
 * is enough, as the median of the last looks counts.
 */
final class RoundTrips implements AutoCloseable {
    private static final int THREADS = 4;
    private static final int LOOKS = 3;
    private static final int TIMEOUT_MILLIS = 2000;

    private final ExecutorService pool = Executors.newFixedThreadPool(THREADS, Threads.named("thalweg-round-trips"));
    private final Map<String, Deque<Double>> looks = new HashMap<>();
    private final Function<String, OptionalInt> ports;
    private final Consumer<String> silent;

    /**
     * Prepares to measure.
     *
     * @param ports where a node's supervisor listens
     * @param silent is told of a node that does not answer
     */
    RoundTrips(Function<String, OptionalInt> ports, Consumer<String> silent) {
        this.ports = ports;
        this.silent = silent;
    }

    /** The median round trip in milliseconds by node; a node that does not answer is missing. */
    Map<String, Double> measure(Collection<NodeFacts> nodes) throws InterruptedException {
        List<NodeFacts> order = List.copyOf(nodes);
        List<Callable<Double>> tasks = new ArrayList<>();
        order.forEach(node -> tasks.add(() -> once(node)));
        List<Future<Double>> results = pool.invokeAll(tasks);
        looks.keySet().retainAll(order.stream().map(NodeFacts::id).toList());
        Map<String, Double> trips = new HashMap<>();
        for (int i = 0; i < order.size(); i++) {
            String node = order.get(i).id();
            try {
                trips.put(node, median(node, results.get(i).get()));
            } catch (ExecutionException e) {
                // No answer: the round trip is unknown, which is what a missing entry says.
                looks.remove(node);
                silent.accept(node);
            }
        }
        return trips;
    }

    @Override
    public void close() {
        pool.shutdownNow();
    }

    private double median(String node, double millis) {
        Deque<Double> last = looks.computeIfAbsent(node, n -> new ArrayDeque<>());
        last.addLast(millis);
        if (last.size() > LOOKS) {
            last.removeFirst();
        }
        List<Double> sorted = last.stream().sorted().toList();
        return sorted.get((sorted.size() - 1) / 2);
    }

    private double once(NodeFacts node) throws IOException {
        InetSocketAddress address = new InetSocketAddress(node.host(), ports.apply(node.id())
            .orElseThrow(() -> new IOException("nobody knows where " + node.id() + " listens")));
        long begun = System.nanoTime();
        try (Socket socket = new Socket()) {
            socket.connect(address, TIMEOUT_MILLIS);
        }
        return (System.nanoTime() - begun) / 1e6;
    }
}
