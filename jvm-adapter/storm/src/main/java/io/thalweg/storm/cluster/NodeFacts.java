package io.thalweg.storm.cluster;

import java.util.List;

/**
 * What a scheduling round said of one supervisor.
 *
 * @param ports its slots in ascending order, without those that a dead worker blocks
 */
public record NodeFacts(String id, String host, String rack, List<Integer> ports, double cpuPoints,
                        double memoryMib, boolean blacklisted) { }
