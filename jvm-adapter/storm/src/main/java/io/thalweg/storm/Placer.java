package io.thalweg.storm;

import io.thalweg.bridge.SnapshotWriter;
import io.thalweg.bridge.SnapshotWriter.Status;
import io.thalweg.shell.Engine;
import io.thalweg.storm.cluster.NodeFacts;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.storm.scheduler.Cluster;
import org.apache.storm.scheduler.ExecutorDetails;
import org.apache.storm.scheduler.SchedulerAssignment;
import org.apache.storm.scheduler.Topologies;
import org.apache.storm.scheduler.TopologyDetails;
import org.apache.storm.scheduler.WorkerSlot;

/** Asks the engine where the executors of a round belong. */
final class Placer {
    private final Engine engine;
    private final Shapes shapes;
    private final SnapshotWriter writer = new SnapshotWriter();
    private ByteBuffer answers = buffer(1 << 10);

    Placer(Engine engine, Shapes shapes) {
        this.engine = engine;
        this.shapes = shapes;
    }

    /**
     * The desired slot of every executor of the topologies that the engine places; null for an executor that it
     * leaves open. Executors that no slot can take are missing, and topologies that it leaves alone altogether.
     *
     * @param nodes as the engine is to see them
     */
    Map<TopologyDetails, Map<ExecutorDetails, WorkerSlot>> ask(Topologies topologies, Cluster cluster,
        Map<String, NodeFacts> nodes, long now) {
        writer.begin(now);
        NodesWriter slots = new NodesWriter(writer, nodes, node -> Double.NaN);
        Map<TopologyDetails, List<ExecutorDetails>> asked = write(topologies, cluster, slots);
        ByteBuffer snapshot = writer.finish();
        int executors = asked.values().stream().mapToInt(List::size).sum();
        if (answers.capacity() < Integer.BYTES * executors) {
            answers = buffer(2 * Integer.BYTES * executors);
        }
        engine.assign(snapshot, writer.length(), answers, now);
        return read(asked, cluster, slots);
    }

    private Map<TopologyDetails, List<ExecutorDetails>> write(Topologies topologies, Cluster cluster, NodesWriter slots) {
        Map<String, TopologyDetails> byId = new TreeMap<>();
        topologies.forEach(topology -> byId.put(topology.getId(), topology));
        Map<TopologyDetails, List<ExecutorDetails>> asked = new LinkedHashMap<>();
        for (TopologyDetails topology : byId.values()) {
            TopologyShape shape = shapes.write(writer, topology, Status.ACTIVE, Map.of());
            writer.workerCompute(cluster.getMinWorkerCpu());
            Map<ExecutorDetails, WorkerSlot> placed = placed(cluster, topology);
            List<ExecutorDetails> executors = TopologyShape.ordered(topology);
            for (ExecutorDetails executor : executors) {
                writer.executor(shape.indices().get(topology.getExecutorToComponent().get(executor)),
                    executor.getStartTask(), executor.getEndTask(), slots.index(placed.get(executor)));
            }
            asked.put(topology, executors);
        }
        return asked;
    }

    private Map<TopologyDetails, Map<ExecutorDetails, WorkerSlot>> read(Map<TopologyDetails, List<ExecutorDetails>> asked,
        Cluster cluster, NodesWriter slots) {
        Map<TopologyDetails, Map<ExecutorDetails, WorkerSlot>> placements = new LinkedHashMap<>();
        int at = 0;
        for (Map.Entry<TopologyDetails, List<ExecutorDetails>> entry : asked.entrySet()) {
            Map<ExecutorDetails, WorkerSlot> placed = placed(cluster, entry.getKey());
            Map<ExecutorDetails, WorkerSlot> desired = new LinkedHashMap<>();
            boolean ours = false;
            for (ExecutorDetails executor : entry.getValue()) {
                int answer = answers.getInt(Integer.BYTES * at++);
                ours |= answer != Engine.LEAVE;
                if (answer != Engine.NO_ROOM) {
                    desired.put(executor, slot(answer, placed.get(executor), slots));
                }
            }
            if (ours) {
                placements.put(entry.getKey(), desired);
            }
        }
        return placements;
    }

    private static WorkerSlot slot(int answer, WorkerSlot current, NodesWriter slots) {
        if (answer == Engine.KEEP) {
            return current;
        }
        return answer >= 0 && answer < slots.count() ? slots.slot(answer) : null;
    }

    private static Map<ExecutorDetails, WorkerSlot> placed(Cluster cluster, TopologyDetails topology) {
        SchedulerAssignment assignment = cluster.getAssignmentById(topology.getId());
        return assignment == null ? Map.of() : assignment.getExecutorToSlot();
    }

    private static ByteBuffer buffer(int bytes) {
        return ByteBuffer.allocateDirect(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** The executors of a desired placement that have no slot. */
    static List<ExecutorDetails> open(Map<ExecutorDetails, WorkerSlot> desired) {
        List<ExecutorDetails> open = new ArrayList<>();
        desired.forEach((executor, slot) -> {
            if (slot == null) {
                open.add(executor);
            }
        });
        return open;
    }
}
