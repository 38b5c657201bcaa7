package io.thalweg.shell;

/** A slot: one port of one node. */
public record Place(String node, int port) implements Comparable<Place> {
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
