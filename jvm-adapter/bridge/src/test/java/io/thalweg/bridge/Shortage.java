package io.thalweg.bridge;

import io.thalweg.bridge.Entries.Call;
import io.thalweg.bridge.Entries.Entry;
import io.thalweg.bridge.Entries.Refused;
import io.thalweg.bridge.ThalwegException.Code;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.logging.Level;
import java.util.logging.Logger;

/** A process in which memory runs out; {@code ShortageTest} starts it and reads what it prints. */
final class Shortage {
    private static final Logger LOG = Logger.getLogger("io.thalweg");
    private static final int[] PIECES = {1 << 14, 1 << 6, 1};
    private static final int TRIES = 4;
    private static final int EXECUTORS = 36_000;
    private static final long NOW = 1763726400123L;

    private Shortage() {}

    /** Runs short of {@code heap} or of {@code address-space}. */
    public static void main(String[] arguments) throws IOException {
        LOG.setLevel(Level.OFF);
        try (Entries entries = new Entries(Path.of(arguments[1]))) {
            NativeLog.refreshThreshold();
            if (arguments[0].equals("heap")) {
                heap(entries);
            } else {
                addressSpace(entries, Path.of(arguments[1]));
            }
            entries.all().forEach(entry -> entry.good().run());
        }
        System.out.println("and all works again");
    }

    /** Calls everything with a heap that has no room for another object. */
    private static void heap(Entries entries) {
        for (Entry entry : entries.all()) {
            List<Call> calls = new ArrayList<>();
            // What it does in Java for the first time takes room as well.
            entry.good().run();
            calls.add(entry.good());
            entry.bad().stream().map(Refused::call).forEach(calls::add);
            for (Call call : calls) {
                System.out.println(entry.name() + ": " + named(tried(call)));
            }
        }
    }

    /** What comes of a call, at the first of some tries that fails: other threads of the JVM may give some room back meanwhile. */
    private static Throwable tried(Call call) {
        Throwable failure = null;
        for (int again = 0; again < TRIES && failure == null; again++) {
            failure = onAFullHeap(call);
        }
        return failure;
    }

    private static Throwable onAFullHeap(Call call) {
        Object[] full = fill();
        try {
            call.run();
            return null;
        } catch (Throwable e) {
            return e;
        } finally {
            full[0] = null;
        }
    }

    /** Fills the heap up, with smaller and smaller pieces, the last of which is the first of a list of all. */
    private static Object[] fill() {
        Object[] first = new Object[1];
        Object[] last = first;
        for (int size : PIECES) {
            try {
                while (true) {
                    Object[] piece = new Object[size];
                    piece[0] = last[0];
                    last[0] = piece;
                }
            } catch (OutOfMemoryError e) {
                last = first;
            }
        }
        return first;
    }

    /** Hands in what needs more memory than whoever reads this allows from now on. */
    private static void addressSpace(Entries entries, Path folder) throws IOException {
        SnapshotWriter writer = new SnapshotWriter();
        Snapshots.cluster(writer, EXECUTORS, 2_000);
        ByteBuffer snapshot = writer.finish();
        ByteBuffer answers = ByteBuffer.allocateDirect(EXECUTORS * Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        String much = "x".repeat(1 << 23);
        String request = "{\"op\": \"" + much + "\"}";
        // Where it is not refused it would open the store that nobody named, in the folder that this runs in.
        String config = "{\"thalweg.store.dir\": \"" + folder.resolve("never") + "\", \"op\": \"" + much + "\"}";
        try (ThalwegEngine engine = ThalwegEngine.open("{\"thalweg.store.dir\": \"" + folder.resolve("large") + "\"}")) {
            NativeLog.refreshThreshold();
            System.out.println("limit me");
            if (System.in.read() < 0) {
                throw new IOException("nobody limits this");
            }
            tell("observe", () -> engine.observe(snapshot, writer.length(), NOW));
            tell("assign", () -> engine.assign(snapshot, writer.length(), answers, NOW));
            tell("inspect", () -> Native.inspect(snapshot, writer.length()));
            tell("command", () -> engine.command(request, NOW));
            tell("open", () -> ThalwegEngine.open(config).close());
            System.out.println("lift it");
            if (System.in.read() < 0) {
                throw new IOException("nobody lifts this");
            }
            tell("after that, assign", () -> engine.assign(snapshot, writer.length(), answers, NOW));
        }
    }

    private static void tell(String entry, Call call) {
        String outcome = "nothing";
        try {
            call.run();
        } catch (ThalwegException e) {
            outcome = e.code() == Code.MEMORY ? "MEMORY" : e.toString();
        }
        System.out.println(entry + ": " + outcome);
    }

    private static String named(Throwable e) {
        return e == null ? "nothing" : e instanceof ThalwegException known ? known.code().name() : e.getClass().getSimpleName();
    }
}
