package io.thalweg.flink.rest;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import org.junit.jupiter.api.Test;

class OwnAddressTest {
    @Test
    void anAddressIsOursAsLongAsWeListenThere() throws Exception {
        URI address;
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            for (String host : new String[] {"localhost", "127.0.0.1"}) {
                address = URI.create("http://" + host + ":" + socket.getLocalPort());
                assertEquals(true, OwnAddress.is(address), address.toString());
            }
            // An address for documentation, which no machine has.
            assertFalse(OwnAddress.is(URI.create("http://192.0.2.1:" + socket.getLocalPort())));
            address = URI.create("http://localhost:" + socket.getLocalPort());
        }
        assertFalse(OwnAddress.is(address));
    }
}
