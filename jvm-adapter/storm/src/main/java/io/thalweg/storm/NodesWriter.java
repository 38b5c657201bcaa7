package io.thalweg.storm;

import io.thalweg.bridge.SnapshotWriter;
import io.thalweg.storm.cluster.NodeFacts;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;
import org.apache.storm.scheduler.WorkerSlot;

/** Writes nodes and slots in their one order, and remembers which slot got which index. */
final class NodesWriter {
    /** Nodes in the order of their slots' indices. */
    private final List<Written> written = new ArrayList<>();
    private final Map<String, Written> byId = new HashMap<>();
    private int slots;
    private Map<String, Integer> byHost;

    /** A node, and the index of its first slot. */
    private record Written(NodeFacts node, int first) { }

    /** Writes all nodes; the round trip is NaN where unknown. */
    NodesWriter(SnapshotWriter writer, Map<String, NodeFacts> nodes, ToDoubleFunction<String> roundTripMillis) {
        this(writer, nodes, roundTripMillis, node -> Double.NaN);
    }

    /** Writes all nodes; the round trip, and by how much a clock is ahead, is NaN where unknown. */
    NodesWriter(SnapshotWriter writer, Map<String, NodeFacts> nodes, ToDoubleFunction<String> roundTripMillis,
                ToDoubleFunction<String> clockAheadMillis) {
        for (NodeFacts node : new TreeMap<>(nodes).values()) {
            int index = writer.node(node.id(), node.host(), node.rack(), node.blacklisted() ? SnapshotWriter.BLACKLISTED : 0,
                node.cpuPoints(), node.memoryMib(), roundTripMillis.applyAsDouble(node.id()));
            writer.clockAhead(clockAheadMillis.applyAsDouble(node.id()));
            Written entry = new Written(node, slots);
            written.add(entry);
            byId.put(node.id(), entry);
            for (int port : node.ports()) {
                slots = writer.slot(index, port) + 1;
            }
        }
    }

    /** The slot with this index. */
    WorkerSlot slot(int index) {
        int low = 0;
        int high = written.size() - 1;
        while (low < high) {
            int middle = (low + high + 1) >>> 1;
            if (written.get(middle).first <= index) {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        Written entry = written.get(low);
        return new WorkerSlot(entry.node.id(), entry.node.ports().get(index - entry.first));
    }

    /**
     * The index of the slot that statistics name by host and port; that of none where two nodes answer to these, for
     * then nobody knows which of them is meant.
     */
    int index(String host, int port) {
        if (byHost == null) {
            byHost = new HashMap<>();
            for (Written entry : written) {
                int index = entry.first;
                for (int offered : entry.node.ports()) {
                    byHost.merge(entry.node.host() + ":" + offered, index++, (one, other) -> SnapshotWriter.NO_SLOT);
                }
            }
        }
        return byHost.getOrDefault(host + ":" + port, SnapshotWriter.NO_SLOT);
    }

    /** How many slots there are. */
    int count() {
        return slots;
    }

    /** The index of a slot, or that of none for a slot that is not offered any more. */
    int index(WorkerSlot slot) {
        Written entry = slot == null ? null : byId.get(slot.getNodeId());
        int at = entry == null ? -1 : Collections.binarySearch(entry.node.ports(), slot.getPort());
        return at < 0 ? SnapshotWriter.NO_SLOT : entry.first + at;
    }
}
