package io.thalweg.flink.rest;

import java.io.IOException;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.URI;

/** Whether an address is one that this process listens on. */
public final class OwnAddress {
    private OwnAddress() {}

    /** Whether this process listens there; not so where that cannot be told. */
    public static boolean is(URI address) {
        try {
            return isOfThisMachine(address.getHost()) && OwnPorts.listening().contains(address.getPort());
        } catch (IOException e) {
            return false;
        }
    }

    private static boolean isOfThisMachine(String host) throws IOException {
        for (InetAddress address : InetAddress.getAllByName(host)) {
            if (address.isLoopbackAddress() || NetworkInterface.getByInetAddress(address) != null) {
                return true;
            }
        }
        return false;
    }
}
