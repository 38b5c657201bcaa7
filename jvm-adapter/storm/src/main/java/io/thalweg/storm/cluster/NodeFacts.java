package io.thalweg.storm.cluster;

import java.util.List;
import java.util.Set;

/**
 * What a scheduling round said of one supervisor.
 *
 * @param ports its slots in ascending order, without those that a dead worker blocks
 */
public record NodeFacts(String id, String host, String rack, List<Integer> ports, double cpuPoints,
                        double memoryMib, boolean blacklisted) {
    /** The same supervisor without these slots. */
    NodeFacts without(Set<Integer> some) {
        List<Integer> rest = ports.stream().filter(port -> !some.contains(port)).toList();
        return new NodeFacts(id, host, rack, rest, cpuPoints, memoryMib, blacklisted);
    }
}
