package io.thalweg.storm;

import io.thalweg.bridge.SnapshotWriter;
import io.thalweg.storm.cluster.NodeFacts;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import java.util.TreeMap;
import org.apache.storm.scheduler.WorkerSlot;

/** Writes nodes and slots in their one order, and remembers which slot got which index. */
final class NodesWriter {
    private final List<WorkerSlot> slots = new ArrayList<>();
    private final Map<WorkerSlot, Integer> indices = new HashMap<>();

    private final Map<String, WorkerSlot> byHost = new HashMap<>();

    /** Writes all nodes; the round trip is NaN where unknown. */
    NodesWriter(SnapshotWriter writer, Map<String, NodeFacts> nodes, ToDoubleFunction<String> roundTripMillis) {
        for (NodeFacts node : new TreeMap<>(nodes).values()) {
            int index = writer.node(node.id(), node.host(), node.rack(), node.blacklisted() ? SnapshotWriter.BLACKLISTED : 0,
                node.cpuPoints(), node.memoryMib(), roundTripMillis.applyAsDouble(node.id()));
            for (int port : node.ports()) {
                WorkerSlot slot = new WorkerSlot(node.id(), port);
                indices.put(slot, writer.slot(index, port));
                byHost.put(node.host() + ":" + port, slot);
                slots.add(slot);
            }
        }
    }

    /** The slot with this index. */
    WorkerSlot slot(int index) {
        return slots.get(index);
    }

    /** The index of the slot that statistics name by host and port. */
    int index(String host, int port) {
        return index(byHost.get(host + ":" + port));
    }

    /** How many slots there are. */
    int count() {
        return slots.size();
    }

    /** The index of a slot, or that of none for a slot that is not offered any more. */
    int index(WorkerSlot slot) {
        return slot == null ? SnapshotWriter.NO_SLOT : indices.getOrDefault(slot, SnapshotWriter.NO_SLOT);
    }
}
