package io.thalweg.bridge;

import io.thalweg.bridge.ThalwegException.Code;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * Every native entry with a call that it takes and calls that it refuses, over an engine of its own. Tests go through the
 * list, so that an entry which is missing here, and so is not tested, fails {@code EntriesTest}.
 */
final class Entries implements AutoCloseable {
    private static final long FIRST = 1763726400123L;
    private static final int AT = 16;

    /** One call of an entry. */
    @FunctionalInterface
    interface Call {
        void run();
    }

    /** A call that is refused, and with which code. */
    record Refused(Code code, Call call) { }

    /** An entry: what it takes, and what it refuses. */
    record Entry(String name, Call good, List<Refused> bad) { }

    private final SnapshotWriter writer = new SnapshotWriter();
    private final ByteBuffer snapshot;
    private final ByteBuffer heap = ByteBuffer.allocate(1 << 10);
    private final ByteBuffer answers = ByteBuffer.allocateDirect(32).order(ByteOrder.LITTLE_ENDIAN);
    private final ByteBuffer few = ByteBuffer.allocateDirect(28).order(ByteOrder.LITTLE_ENDIAN);
    private final ByteBuffer garbage = ByteBuffer.allocateDirect(256).order(ByteOrder.LITTLE_ENDIAN);
    private final Path folder;
    private final long engine;
    private long now = FIRST;
    private int opened;

    /** Opens an engine that keeps what it has to in this folder. */
    Entries(Path folder) {
        NativeLibrary.load(null);
        this.folder = folder;
        Snapshots.wordcount(writer);
        snapshot = writer.finish();
        engine = Native.open(config(folder.resolve("engine")));
        for (int at = 0; at < garbage.capacity(); at++) {
            garbage.put(at, (byte) (at * 37));
        }
        Native.command(engine, "{\"op\": \"lead\", \"term\": 1}", now);
    }

    /** The names of all native methods. */
    static Set<String> natives() {
        return Arrays.stream(Native.class.getDeclaredMethods()).filter(method -> Modifier.isNative(method.getModifiers()))
                .map(Method::getName).collect(Collectors.toCollection(TreeSet::new));
    }

    /** All entries. */
    List<Entry> all() {
        return List.of(
                entry("start", () -> Native.start(NativeLog.class)),
                entry("logThreshold", NativeLog::refreshThreshold),
                entry("version", Native::version),
                entry("open", this::openAndClose,
                        refused(Code.CONFIG, () -> Native.open("no JSON")),
                        refused(Code.STORE, () -> Native.open(config(Path.of("/proc/nowhere"))))),
                entry("close", () -> Native.close(0)),
                entry("observe", this::observe,
                        refused(Code.SNAPSHOT, () -> Native.observe(engine, snapshot, -1, now)),
                        refused(Code.SNAPSHOT, () -> Native.observe(engine, heap, 8, now)),
                        refused(Code.SNAPSHOT, () -> Native.observe(engine, garbage, 256, now)),
                        refused(Code.CLOSED, () -> Native.observe(-1, snapshot, length(), now))),
                entry("assign", () -> Native.assign(engine, snapshot, length(), answers, now),
                        refused(Code.SNAPSHOT, () -> Native.assign(engine, snapshot, length() - 8, answers, now)),
                        refused(Code.SNAPSHOT, () -> Native.assign(engine, snapshot, length(), heap, now)),
                        refused(Code.SNAPSHOT, () -> Native.assign(engine, snapshot, length(), few, now)),
                        refused(Code.CLOSED, () -> Native.assign(4711, snapshot, length(), answers, now))),
                entry("command", () -> Native.command(engine, "{\"op\": \"status\"}", now),
                        refused(Code.STATE, () -> Native.command(engine, "no JSON", now)),
                        refused(Code.STATE, () -> Native.command(engine, "{\"op\": \"publish\", \"plan\": \"none\"}", now)),
                        refused(Code.CLOSED, () -> Native.command(0, "{}", now))),
                entry("inspect", () -> Native.inspect(snapshot, length()),
                        refused(Code.SNAPSHOT, () -> Native.inspect(garbage, 256)),
                        refused(Code.SNAPSHOT, () -> Native.inspect(snapshot, Integer.MAX_VALUE))),
                entry("selfTest", () -> Native.selfTest(0),
                        refused(Code.INTERNAL, () -> Native.selfTest(1)),
                        refused(Code.PANIC, () -> Native.selfTest(2))),
                entry("plant", () -> Native.plant("version", 0),
                        refused(Code.INTERNAL, () -> Native.plant("nothing", 1))));
    }

    /** Has the engine keep something: the command that needs its disk. */
    void keep(String value) {
        Native.command(engine, "{\"op\": \"keep\", \"key\": \"test\", \"value\": \"" + value + "\"}", now);
    }

    private void observe() {
        now += 1_000;
        snapshot.putLong(AT, now);
        Native.observe(engine, snapshot, length(), now);
    }

    private void openAndClose() {
        Native.close(Native.open(config(folder.resolve("other-" + opened++ % 2))));
    }

    private int length() {
        return writer.length();
    }

    private static Entry entry(String name, Call good, Refused... bad) {
        return new Entry(name, good, List.of(bad));
    }

    private static Refused refused(Code code, Call call) {
        return new Refused(code, call);
    }

    private static String config(Path folder) {
        return "{\"thalweg.mode\": \"act\", \"thalweg.store.dir\": \"" + folder + "\"}";
    }

    @Override
    public void close() {
        Native.close(engine);
    }
}
