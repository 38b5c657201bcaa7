package io.thalweg.storm;

import io.thalweg.storm.cluster.NodeFacts;
import io.thalweg.storm.cluster.StateLink;
import io.thalweg.storm.cluster.Threads;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Measures how long it takes from this host to each supervisor and back, by opening a connection. */
final class RoundTrips implements AutoCloseable {
    private static final int THREADS = 4;
    private static final int TRIES = 3;
    private static final int TIMEOUT_MILLIS = 2000;

    private final ExecutorService pool = Executors.newFixedThreadPool(THREADS, Threads.named("thalweg-round-trips"));

    private final StateLink state;

    RoundTrips(StateLink state) {
        this.state = state;
    }

    /** The median round trip in milliseconds by node; a node that does not answer is missing. */
    Map<String, Double> measure(Collection<NodeFacts> nodes) throws InterruptedException {
        List<Callable<Double>> tasks = new ArrayList<>();
        List<NodeFacts> order = List.copyOf(nodes);
        order.forEach(node -> tasks.add(() -> median(node)));
        List<Future<Double>> results = pool.invokeAll(tasks);
        Map<String, Double> trips = new HashMap<>();
        for (int i = 0; i < order.size(); i++) {
            try {
                trips.put(order.get(i).id(), results.get(i).get());
            } catch (ExecutionException e) {
                // No answer: the round trip is unknown, which is what a missing entry says.
                state.forget(order.get(i).id());
            }
        }
        return trips;
    }

    @Override
    public void close() {
        pool.shutdownNow();
    }

    private double median(NodeFacts node) throws IOException {
        double[] millis = new double[TRIES];
        InetSocketAddress address = new InetSocketAddress(node.host(), state.thriftPort(node.id())
            .orElseThrow(() -> new IOException("nobody knows where " + node.id() + " listens")));
        for (int i = 0; i < TRIES; i++) {
            long begun = System.nanoTime();
            try (Socket socket = new Socket()) {
                socket.connect(address, TIMEOUT_MILLIS);
            }
            millis[i] = (System.nanoTime() - begun) / 1e6;
        }
        Arrays.sort(millis);
        return millis[TRIES / 2];
    }
}
