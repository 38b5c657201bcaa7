package io.thalweg.bridge;

import static io.thalweg.bridge.SnapshotWriter.NO_SLOT;

import io.thalweg.bridge.SnapshotWriter.Grouping;
import io.thalweg.bridge.SnapshotWriter.Kind;
import io.thalweg.bridge.SnapshotWriter.Status;

/** The snapshots that tests write. */
final class Snapshots {
    private static final int EXECUTORS_PER_TOPOLOGY = 100;
    private static final int SLOTS_PER_NODE = 4;

    private Snapshots() {}

    /** {@code tests/vectors/empty.json}. */
    static void empty(SnapshotWriter writer) {
        writer.begin(0);
        writer.finish();
    }

    /** {@code tests/vectors/wordcount.json}. */
    static void wordcount(SnapshotWriter writer) {
        writer.begin(1763726400123L);
        int a = writer.node("sup-a", "127.0.0.2", "", 0, 400, 8192, 0.75);
        writer.node("sup-b", "127.0.0.3", "Gießen-ß1",
                SnapshotWriter.BLACKLISTED | SnapshotWriter.DRAINING, Double.NaN, Double.NaN, Double.NaN);
        int c = writer.node("sup-c", "127.0.0.4", "台北", SnapshotWriter.DRAINING, 150.5, Double.NaN, 12);
        writer.clockAhead(-41_500);
        int a6700 = writer.slot(a, 6700);
        int a6701 = writer.slot(a, 6701);
        int c6700 = writer.slot(c, 6700);
        words(writer, a6700, a6701, c6700);
        writer.topology("idle-2-1763726100", "idle", Status.KILLED, 0, 0);
        copy(writer, c6700);
        writer.finish();
    }

    private static void words(SnapshotWriter writer, int a6700, int a6701, int c6700) {
        writer.topology("words-1-1763726000", "words", Status.ACTIVE, 3, 30_000);
        writer.workerHeap(768);
        writer.checkpoint(41.5, 9007199254740999L);
        writer.checkpointInterval(60_000.5);
        writer.obstacle(SnapshotWriter.Obstacle.CHECKPOINTS_FAIL);
        int acker = writer.component("__acker", Kind.SYSTEM, 1, 1);
        int count = writer.component("count", Kind.OPERATOR, 2, 5);
        writer.declared(25.5, 192);
        writer.heap(128.5);
        writer.mostPerNode(2);
        writer.bounds(1, 4);
        writer.slotGroup(2);
        int spout = writer.component("spout", Kind.SOURCE, 6, 6);
        writer.declared(Double.NaN, 0);
        writer.waiting(9007199254740995L, 12);
        int split = writer.component("split", Kind.OPERATOR, 7, 8);
        writer.edge(spout, split, Grouping.LOCAL_OR_SHUFFLE);
        writer.sent(9007199254740993L);
        writer.edge(split, count, Grouping.FIELDS);
        writer.sent(0);
        writer.edge(count, acker, Grouping.CUSTOM);
        writer.apart(acker, spout);
        writer.executor(acker, 1, 1, a6700);
        writer.executor(count, 2, 4, c6700);
        writer.counters(61, 1_000_000, 250.5, 999_999, 300.25, 1, 7, 14, 0, 0);
        writer.times(260.75, 0, 60739.25, 1.5);
        writer.state(9007199254740997L, 1_000_000, 0);
        writer.executor(count, 5, 5, NO_SLOT);
        writer.executor(spout, 6, 6, a6701);
        writer.counters(60, 0, 0, 0, 0, 0, 9007199254740993L, 9007199254740993L, 5, 61.5);
        writer.times(12.5, Double.NaN, Double.NaN, Double.NaN);
        writer.executor(split, 7, 8, a6700);
    }

    private static void copy(SnapshotWriter writer, int c6700) {
        writer.topology("copy-3-1763726200", "words", Status.REBALANCING, 1, 5.5);
        int spout = writer.component("spout", Kind.SOURCE, 1, 2);
        int count = writer.component("count", Kind.OPERATOR, 3, 3);
        writer.edge(spout, count, Grouping.GLOBAL);
        writer.edge(spout, count, Grouping.ALL);
        writer.edge(spout, count, Grouping.SHUFFLE);
        writer.executor(spout, 1, 1, NO_SLOT);
        writer.executor(spout, 2, 2, NO_SLOT);
        writer.executor(count, 3, 3, c6700);
    }

    /** Topologies of 100 executors in 10 components, dealt out over all slots. */
    static void cluster(SnapshotWriter writer, int executors, int nodes) {
        writer.begin(1);
        for (int node = 0; node < nodes; node++) {
            writer.node("supervisor-" + node, "127.0." + node / 250 + "." + node % 250, "rack-" + node / 40,
                    0, 400, Double.NaN, Double.NaN);
            for (int slot = 0; slot < SLOTS_PER_NODE; slot++) {
                writer.slot(node, 6700 + slot);
            }
        }
        for (int first = 0; first < executors; first += EXECUTORS_PER_TOPOLOGY) {
            writer.topology("topology-" + first, "", Status.ACTIVE, 1, 30_000);
            for (int component = 0; component < 10; component++) {
                writer.component("component-" + component, Kind.OPERATOR, component * 10 + 1, component * 10 + 10);
            }
            for (int at = 0; at < EXECUTORS_PER_TOPOLOGY; at++) {
                writer.executor(at / 10, at + 1, at + 1, (first + at) % (nodes * SLOTS_PER_NODE));
                writer.counters(1, first + at, 0.5, 0, 0, 0, 0, 0, 0, 0);
            }
        }
        writer.finish();
    }
}
