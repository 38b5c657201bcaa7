package io.thalweg.storm;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * The ports of supervisors, as far as they can be known from outside: Nimbus tells how many slots a supervisor has, and which
 * of them are in use. For the others the ports stand that are set at Nimbus, then any: each counts as a free slot, whatever
 * its port.
 */
final class Ports {
    private static final int LARGEST = 65_535;

    private final List<Integer> configured = new ArrayList<>();
    /** By host: those that are given to one of its supervisors. */
    private final Map<String, Set<Integer>> taken = new HashMap<>();

    /** Takes what {@code supervisor.slots.ports} says at Nimbus; may be null. */
    Ports(Object configured) {
        if (configured instanceof Collection<?> all) {
            all.forEach(port -> {
                if (port instanceof Number number) {
                    this.configured.add(number.intValue());
                }
            });
        }
    }

    /** Notes that a port of a host is in use, so that it is no other supervisor's of that host. */
    void use(String host, int port) {
        of(host).add(port);
    }

    /** All ports of a supervisor with so many slots, of which these are in use; ascending. */
    List<Integer> of(String host, Set<Integer> used, int slots) {
        Set<Integer> ports = new TreeSet<>(used);
        Set<Integer> others = of(host);
        others.addAll(used);
        for (int port : configured) {
            if (ports.size() < slots && others.add(port)) {
                ports.add(port);
            }
        }
        for (int port = 1 + others.stream().mapToInt(Integer::intValue).max().orElse(0); ports.size() < slots && port <= LARGEST; port++) {
            others.add(port);
            ports.add(port);
        }
        return List.copyOf(ports);
    }

    private Set<Integer> of(String host) {
        return taken.computeIfAbsent(host, h -> new HashSet<>());
    }
}
