package io.thalweg.storm.act;

import java.util.Set;
import org.apache.storm.generated.NodeInfo;

/** A slot: one port of one node, where one worker may run. */
public record Place(String node, int port) implements Comparable<Place> {
    /** The place Storm's assignment names. */
    static Place of(NodeInfo info) {
        return new Place(info.get_node(), info.get_port().iterator().next().intValue());
    }

    /** The same in the words of Storm's assignment. */
    NodeInfo info() {
        return new NodeInfo(node, Set.of((long) port));
    }

    @Override
    public int compareTo(Place other) {
        int byNode = node.compareTo(other.node);
        return byNode != 0 ? byNode : Integer.compare(port, other.port);
    }

    @Override
    public String toString() {
        return node + ":" + port;
    }
}
