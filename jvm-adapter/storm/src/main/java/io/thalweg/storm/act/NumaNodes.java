package io.thalweg.storm.act;

import io.thalweg.storm.cluster.NimbusLink;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.storm.ServerConstants;
import org.apache.storm.generated.Assignment;
import org.apache.storm.thrift.TException;

/**
 * Nodes that share a supervisor: one that is split by NUMA zones shows as a node for each zone and one for the rest,
 * and holds the assignments of all of them together.
 */
final class NumaNodes {
    private NumaNodes() { }

    /** The id of the supervisor behind a node. */
    static String supervisor(String node) {
        int zone = node.indexOf(ServerConstants.NUMA_ID_SEPARATOR);
        return zone < 0 ? node : node.substring(0, zone);
    }

    /** All nodes of a node's supervisor. */
    static List<String> siblings(String node, Collection<String> nodes) {
        String supervisor = supervisor(node);
        return nodes.stream().filter(other -> supervisor(other).equals(supervisor)).sorted().toList();
    }

    /** What Nimbus holds for the supervisor of this node. */
    static Map<String, Assignment> assignments(NimbusLink nimbus, String node, Collection<String> nodes) throws TException {
        Map<String, Assignment> all = new HashMap<>(nimbus.assignments(node));
        for (String sibling : siblings(node, nodes)) {
            if (!sibling.equals(node)) {
                all.putAll(nimbus.assignments(sibling));
            }
        }
        return all;
    }
}
