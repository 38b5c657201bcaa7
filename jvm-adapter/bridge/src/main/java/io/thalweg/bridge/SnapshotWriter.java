package io.thalweg.bridge;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/**
 * Encodes what an adapter saw of a cluster, in layout 8 of {@code docs/reference/ffi.md}.
 *
 * <p>{@link #begin} starts a snapshot, {@link #finish} ends it; nodes come before their slots, and a
 * topology before its components, edges and executors. One writer serves many snapshots and reuses
 * its memory: the buffer of {@link #finish} is good until the next one. Not for several threads.
 */
public final class SnapshotWriter {
    /** A node's flag: the engine forbids new work on it. */
    public static final int BLACKLISTED = 1;

    /** A node's flag: an operator is emptying it. */
    public static final int DRAINING = 2;

    /** The slot of an executor that has none. */
    public static final int NO_SLOT = -1;

    /** A count that was not measured. */
    public static final long UNKNOWN = -1;

    /** Whether a topology may be touched. */
    public enum Status { ACTIVE, INACTIVE, REBALANCING, KILLED }

    /** What a component does in the graph. */
    public enum Kind { SOURCE, OPERATOR, SYSTEM }

    /** How a stream's tuples choose their receiver: {@code ALL} is every task, {@code BROADCAST} every executor. */
    public enum Grouping { SHUFFLE, FIELDS, ALL, GLOBAL, LOCAL_OR_SHUFFLE, CUSTOM, BROADCAST }

    /** What stands against a change of a topology. */
    public enum Obstacle {
        /** It takes no checkpoints. */
        CHECKPOINTS_OFF,
        /** It has completed none yet. */
        NO_CHECKPOINT_YET,
        /** Its last ones failed. */
        CHECKPOINTS_FAIL,
        /** It ends by itself. */
        BATCH,
        /** The engine schedules it by other means. */
        OTHER_SCHEDULER,
        /** The engine does not say what it does. */
        UNREADABLE,
        /** Its scheduler keeps machines or pools apart. */
        KEPT_APART
    }

    private static final int MAGIC = 0x47574854; // THWG
    private static final int VERSION = 9;
    private static final int COMPONENTS_AT = 24;
    private static final int EDGES_AT = 28;
    private static final int EXECUTORS_AT = 32;
    private static final int FLAGS_AT = 16;
    private static final int HAS_COUNTERS = 1;
    private static final int CLOCK_AT = 40;
    private static final int DECLARED_AT = 16;
    private static final int BACKLOG_AT = 32;
    private static final int MOST_PER_NODE_AT = 44;
    private static final int HEAP_AT = 48;
    private static final int WORKER_COMPUTE_AT = 36;
    private static final int WORKER_HEAP_AT = 40;
    private static final int CHECKPOINT_AT = 48;
    private static final int OBSTACLE_AT = 64;
    private static final int SETTINGS_AT = 68;
    private static final int CHECKPOINT_INTERVAL_AT = 72;
    private static final int LEAST_EXECUTORS_AT = 56;
    private static final int SLOT_GROUP_AT = 64;
    private static final int FEED_AT = 68;
    private static final int SENT_AT = 16;
    private static final int TIMES_AT = 96;
    private static final int STATE_AT = 128;

    private final Section nodes = new Section(48);
    private final Section slots = new Section(8);
    private final Section topologies = new Section(80);
    private final Section components = new Section(72);
    private final Section edges = new Section(24);
    private final Section executors = new Section(152);
    private final Section apart = new Section(16);
    private final Section stringEnds = new Section(4);
    private final Section stringBytes = new Section(1);
    private final Section[] sections = {
        nodes, slots, topologies, components, edges, executors, apart, stringEnds, stringBytes
    };
    private final int headerSize = 24 + 8 * sections.length;

    private final Map<String, Integer> strings = new HashMap<>();
    private long atMillis;
    private ByteBuffer encoded = direct(1 << 16);

    /** Forgets the last snapshot and starts one that was seen at this instant. */
    public void begin(long atMillis) {
        this.atMillis = atMillis;
        strings.clear();
        for (Section section : sections) {
            section.content.clear();
        }
    }

    /** Adds a live node; capacities and round trip are NaN where unknown. Returns its index. */
    public int node(String id, String host, String rack, int flags,
            double cpuPoints, double memoryMib, double roundTripMs) {
        int index = nodes.count();
        int idText = intern(id);
        int hostText = intern(host);
        int rackText = intern(rack);
        nodes.next().putInt(idText).putInt(hostText).putInt(rackText).putInt(flags)
                .putDouble(cpuPoints).putDouble(memoryMib).putDouble(roundTripMs).putDouble(Double.NaN);
        return index;
    }

    /** Adds by how much the clock of the last node is ahead of ours, below zero where it is behind; NaN where unknown. */
    public void clockAhead(double millis) {
        nodes.content.putDouble(nodes.last() + CLOCK_AT, millis);
    }

    /** Adds a live slot; nodes and the ports of a node must ascend. Returns its index. */
    public int slot(int node, int port) {
        int index = slots.count();
        slots.next().putInt(node).putInt(port);
        return index;
    }

    /** Starts a topology. Returns its index. */
    public int topology(String id, String name, Status status, int desiredWorkers, double messageTimeoutMs) {
        int index = topologies.count();
        int idText = intern(id);
        int nameText = intern(name);
        topologies.next().putInt(idText).putInt(nameText).putInt(status.ordinal()).putInt(desiredWorkers)
                .putDouble(messageTimeoutMs).putInt(0).putInt(0).putInt(0).putInt(0).putDouble(Double.NaN)
                .putDouble(Double.NaN).putLong(UNKNOWN).putInt((int) UNKNOWN).putInt(0).putDouble(Double.NaN);
        return index;
    }

    /** Adds what stands against a change of the last topology. */
    public void obstacle(Obstacle obstacle) {
        topologies.content.putInt(topologies.last() + OBSTACLE_AT, obstacle.ordinal());
    }

    /** Adds what the user of the last topology set about Thalweg, as a JSON object of keys and values. */
    public void settings(String json) {
        topologies.content.putInt(topologies.last() + SETTINGS_AT, intern(json) + 1);
    }

    /** Adds the last checkpoint of the last topology: how long it took, and what was written for it. */
    public void checkpoint(double durationMs, long bytes) {
        int at = topologies.last() + CHECKPOINT_AT;
        topologies.content.putDouble(at, durationMs).putLong(at + Double.BYTES, bytes);
    }

    /** Adds the time between two checkpoints of the last topology. */
    public void checkpointInterval(double millis) {
        topologies.content.putDouble(topologies.last() + CHECKPOINT_INTERVAL_AT, millis);
    }

    /** Adds a component to the last topology. Returns its index there. */
    public int component(String id, Kind kind, int firstTask, int lastTask) {
        int index = countInTopology(COMPONENTS_AT);
        int idText = intern(id);
        components.next().putInt(idText).putInt(kind.ordinal()).putInt(firstTask).putInt(lastTask)
                .putDouble(Double.NaN).putDouble(Double.NaN).putLong(UNKNOWN).putInt((int) UNKNOWN).putInt(0)
                .putDouble(Double.NaN).putInt((int) UNKNOWN).putInt((int) UNKNOWN).putInt(0).putInt(0);
        return index;
    }

    /** Adds the fewest and the most executors that the user of the last component allows. */
    public void bounds(int least, int most) {
        int at = components.last() + LEAST_EXECUTORS_AT;
        components.content.putInt(at, least).putInt(at + Integer.BYTES, most);
    }

    /** Adds with which others the last component shares slots: those of the same number. */
    public void slotGroup(int group) {
        components.content.putInt(components.last() + SLOT_GROUP_AT, group);
    }

    /** Adds what its user declared for each executor of the last component; NaN where nothing. */
    public void declared(double cpuPoints, double memoryMib) {
        int at = components.last() + DECLARED_AT;
        components.content.putDouble(at, cpuPoints).putDouble(at + Double.BYTES, memoryMib);
    }

    /** Adds how much of the declared memory of the last component is heap of its worker. */
    public void heap(double heapMib) {
        components.content.putDouble(components.last() + HEAP_AT, heapMib);
    }

    /** Adds the most executors of the last component that one node may hold; 0 where nobody asks. */
    public void mostPerNode(int executors) {
        components.content.putInt(components.last() + MOST_PER_NODE_AT, executors);
    }

    /** Adds where the last component, a source, reads from by its own configuration, as a JSON object of texts. */
    public void feed(String json) {
        components.content.putInt(components.last() + FEED_AT, intern(json) + 1);
    }

    /** Adds the most heap that the executors of one worker of the last topology may declare together. */
    public void workerHeap(double heapMib) {
        topologies.content.putDouble(topologies.last() + WORKER_HEAP_AT, heapMib);
    }

    /** Adds the least compute that a worker of the last topology counts as, in points. */
    public void workerCompute(double points) {
        topologies.content.putInt(topologies.last() + WORKER_COMPUTE_AT, (int) Math.round(1000 * points));
    }

    /** Adds the records that wait before the last component, and the partitions that it reads. */
    public void waiting(long backlog, int partitions) {
        int at = components.last() + BACKLOG_AT;
        components.content.putLong(at, backlog).putInt(at + Long.BYTES, partitions);
    }

    /** Adds a stream between two components of the last topology. */
    public void edge(int from, int to, Grouping grouping) {
        countInTopology(EDGES_AT);
        edges.next().putInt(from).putInt(to).putInt(grouping.ordinal()).putInt(0).putLong(UNKNOWN);
    }

    /** Adds the tuples sent along the last stream, each as often as it is received. */
    public void sent(long tuples) {
        edges.content.putLong(edges.last() + SENT_AT, tuples);
    }

    /** Asks for two components of the last topology to be on different nodes. */
    public void apart(int component, int other) {
        apart.next().putInt(topologies.count() - 1).putInt(component).putInt(other).putInt(0);
    }

    /** Adds an executor to the last topology. Returns its index among all executors. */
    public int executor(int component, int firstTask, int lastTask, int slot) {
        countInTopology(EXECUTORS_AT);
        int index = executors.count();
        ByteBuffer record = executors.next().putInt(component).putInt(firstTask).putInt(lastTask).putInt(slot);
        for (int i = 0; i < 10; i++) {
            record.putLong(0); // flags, uptime and nine counters, until there are any
        }
        for (int i = 0; i < 4; i++) {
            record.putDouble(Double.NaN); // times
        }
        for (int i = 0; i < 3; i++) {
            record.putLong(UNKNOWN); // state
        }
        return index;
    }

    /** Adds the statistics of the last executor, cumulative since it started. */
    public void counters(int uptimeSecs, long executed, double executeMs, long acked, double processMs,
            long failed, long emitted, long transferred, long completed, double completeMs) {
        int record = executors.last();
        executors.content.duplicate().order(ByteOrder.LITTLE_ENDIAN)
                .putInt(record + FLAGS_AT, HAS_COUNTERS).position(record + FLAGS_AT + Integer.BYTES)
                .putInt(uptimeSecs).putLong(executed).putDouble(executeMs).putLong(acked).putDouble(processMs)
                .putLong(failed).putLong(emitted).putLong(transferred).putLong(completed).putDouble(completeMs);
    }

    /** Adds how the last executor, which has counters, spent its time; NaN where unknown. */
    public void times(double busyMs, double backpressuredMs, double idleMs, double gcMs) {
        int at = executors.last() + TIMES_AT;
        executors.content.putDouble(at, busyMs).putDouble(at + 8, backpressuredMs).putDouble(at + 16, idleMs)
                .putDouble(at + 24, gcMs);
    }

    /** Adds the state of the last executor, which has counters: its size now, and how often memory answered. */
    public void state(long bytes, long accesses, long hits) {
        int at = executors.last() + STATE_AT;
        executors.content.putLong(at, bytes).putLong(at + 8, accesses).putLong(at + 16, hits);
    }

    /** Ends the snapshot and returns its encoding: a direct buffer from 0 to its limit. */
    public ByteBuffer finish() {
        int length = headerSize;
        for (Section section : sections) {
            length = Math.addExact(length, aligned(section.content.position()));
        }
        if (encoded.capacity() < length) {
            encoded = direct(Math.max(length, Math.min(encoded.capacity(), 1 << 29) * 2));
        }
        encoded.clear().putInt(MAGIC).putInt(VERSION).putInt(length).putInt(sections.length).putLong(atMillis);
        int offset = headerSize;
        for (Section section : sections) {
            encoded.putInt(offset).putInt(section.count());
            offset += aligned(section.content.position());
        }
        for (Section section : sections) {
            encoded.put(section.content.duplicate().flip());
            while (encoded.position() % 8 != 0) {
                encoded.put((byte) 0);
            }
        }
        return encoded.flip();
    }

    /** The length of the finished encoding. */
    public int length() {
        return encoded.limit();
    }

    private int countInTopology(int at) {
        int counter = topologies.last() + at;
        int index = topologies.content.getInt(counter);
        topologies.content.putInt(counter, index + 1);
        return index;
    }

    private int intern(String text) {
        Integer known = strings.get(text);
        if (known != null) {
            return known;
        }
        int index = strings.size();
        strings.put(text, index);
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        stringBytes.room(bytes.length).put(bytes);
        stringEnds.next().putInt(stringBytes.content.position());
        return index;
    }

    private static int aligned(int length) {
        return Math.addExact(length, 7) & ~7;
    }

    private static ByteBuffer direct(int capacity) {
        return ByteBuffer.allocateDirect(capacity).order(ByteOrder.LITTLE_ENDIAN);
    }

    /** An array of records that grows. */
    private static final class Section {
        private final int recordSize;
        private ByteBuffer content = ByteBuffer.allocate(1 << 10).order(ByteOrder.LITTLE_ENDIAN);

        Section(int recordSize) {
            this.recordSize = recordSize;
        }

        int count() {
            return content.position() / recordSize;
        }

        /** Where the last record begins. */
        int last() {
            if (content.position() == 0) {
                throw new IllegalStateException("nothing to belong to: begin a topology or executor first");
            }
            return content.position() - recordSize;
        }

        /** The content, with room for one record more. */
        ByteBuffer next() {
            return room(recordSize);
        }

        ByteBuffer room(int bytes) {
            if (content.remaining() < bytes) {
                int capacity = Math.max(Math.addExact(content.position(), bytes), Math.multiplyExact(content.capacity(), 2));
                content = ByteBuffer.allocate(capacity).order(ByteOrder.LITTLE_ENDIAN).put(content.flip());
            }
            return content;
        }
    }
}
