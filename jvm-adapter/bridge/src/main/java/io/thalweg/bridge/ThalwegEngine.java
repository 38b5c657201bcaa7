package io.thalweg.bridge;

import io.thalweg.bridge.ThalwegException.Code;
import java.nio.ByteBuffer;
import java.util.Objects;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.LongFunction;

/**
 * One decision engine of the native core.
 *
 * <p>Calls may run at the same time; closing waits for them. After it each call fails with
 * {@link Code#CLOSED}. Buffers must not be written by others during a call.
 */
public final class ThalwegEngine implements AutoCloseable {
    /** In the answer of {@link #assign}: left to the engine's own scheduler. */
    public static final int NOT_OURS = -1;

    /** In the answer of {@link #assign}: stays where it is. */
    public static final int KEEP = -2;

    /** In the answer of {@link #assign}: no slot can take it. */
    public static final int NO_ROOM = -3;

    private static final long CLOSED = 0;

    private final ReentrantReadWriteLock lock = new ReentrantReadWriteLock();
    private long handle;

    private ThalwegEngine(long handle) {
        this.handle = handle;
    }

    /** Opens an engine with the settings of a JSON object, loading the native library if need be. */
    public static ThalwegEngine open(String configJson) {
        Objects.requireNonNull(configJson, "configJson");
        NativeLibrary.load(null);
        NativeLog.refreshThreshold();
        return new ThalwegEngine(Native.open(configJson));
    }

    /** The version of the native library. */
    public static String version() {
        NativeLibrary.load(null);
        return Native.version();
    }

    /** Hands a snapshot in and returns the decisions it led to, as JSON. */
    public String observe(ByteBuffer snapshot, int length, long nowMillis) {
        Objects.requireNonNull(snapshot, "snapshot");
        NativeLog.refreshThreshold();
        return whileOpen(handle -> Native.observe(handle, snapshot, length, nowMillis));
    }

    /**
     * Asks where each executor of a snapshot belongs.
     *
     * @param out receives one little-endian int per executor, in encoded order, from its first byte
     *     on: the index of an encoded slot, {@link #NOT_OURS} or {@link #KEEP}
     */
    public void assign(ByteBuffer snapshot, int length, ByteBuffer out, long nowMillis) {
        Objects.requireNonNull(snapshot, "snapshot");
        if (out.isReadOnly()) {
            throw new ThalwegException(Code.SNAPSHOT, "output buffer: read-only");
        }
        whileOpen(handle -> {
            Native.assign(handle, snapshot, length, out, nowMillis);
            return null;
        });
    }

    /** Carries out a JSON request and returns the JSON answer. */
    public String command(String requestJson, long nowMillis) {
        Objects.requireNonNull(requestJson, "requestJson");
        return whileOpen(handle -> Native.command(handle, requestJson, nowMillis));
    }

    /** Ends the engine after the running calls have ended; again does nothing. */
    @Override
    public void close() {
        lock.writeLock().lock();
        try {
            if (handle != CLOSED) {
                Native.close(handle);
                handle = CLOSED;
            }
        } finally {
            lock.writeLock().unlock();
        }
    }

    private <T> T whileOpen(LongFunction<T> call) {
        lock.readLock().lock();
        try {
            if (handle == CLOSED) {
                throw new ThalwegException(Code.CLOSED, "the engine is closed");
            }
            return call.apply(handle);
        } finally {
            lock.readLock().unlock();
        }
    }
}
