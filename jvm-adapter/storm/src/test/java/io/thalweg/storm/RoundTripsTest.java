package io.thalweg.storm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.thalweg.storm.cluster.NodeFacts;
import java.io.IOException;
import java.net.ServerSocket;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

class RoundTripsTest {
    @Test
    void eachLookOpensOneConnection() throws Exception {
        List<String> silent = new ArrayList<>();
        try (ServerSocket server = new ServerSocket(0);
            RoundTrips trips = new RoundTrips(node -> OptionalInt.of(server.getLocalPort()), silent::add)) {
            for (int look = 0; look < 3; look++) {
                double millis = trips.measure(List.of(node("n"))).get("n");
                assertTrue(millis > 0 && millis < 2000, millis + " ms");
            }
            server.setSoTimeout(100);
            for (int look = 0; look < 3; look++) {
                server.accept().close();
            }
            assertTrue(noneLeft(server));
        }
        assertEquals(List.of(), silent);
    }

    @Test
    void whoDoesNotAnswerIsMissing() throws Exception {
        List<String> silent = new ArrayList<>();
        try (RoundTrips trips = new RoundTrips(node -> OptionalInt.empty(), silent::add)) {
            assertEquals(Map.of(), trips.measure(List.of(node("n"))));
        }
        assertEquals(List.of("n"), silent);
    }

    private static boolean noneLeft(ServerSocket server) {
        try {
            server.accept().close();
            return false;
        } catch (IOException e) {
            return true;
        }
    }

    private static NodeFacts node(String id) {
        return new NodeFacts(id, "127.0.0.1", "", List.of(1), 100, 100, false);
    }
}
