package io.thalweg.storm.act;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Locale;
import java.util.Optional;

/**
 * Second spellings of host names. A worker names the meters of a connection after the host as spelled and the port,
 * and halts when it opens a second connection of the same name; so an alias of a node needs a host that is spelled
 * differently and found at the same address.
 */
final class HostNames {
    private HostNames() { }

    /** Another spelling of the same host, if there is one. */
    static Optional<String> respelled(String host) {
        String other = host.equals(host.toUpperCase(Locale.ROOT)) ? host.toLowerCase(Locale.ROOT) : host.toUpperCase(Locale.ROOT);
        if (!other.equals(host)) {
            return Optional.of(other);
        }
        // Neither letter nor name: an address in figures, which is read without asking anybody.
        try {
            String full = host.indexOf(':') < 0 ? "::ffff:" + host : InetAddress.getByName(host).getHostAddress();
            boolean same = InetAddress.getByName(full).equals(InetAddress.getByName(host));
            return same && !full.equals(host) ? Optional.of(full) : Optional.empty();
        } catch (UnknownHostException e) {
            return Optional.empty();
        }
    }
}
