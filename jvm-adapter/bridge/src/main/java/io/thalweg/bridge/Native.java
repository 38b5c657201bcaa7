package io.thalweg.bridge;

import java.nio.ByteBuffer;

/** The entries of the native library; only {@link ThalwegEngine} and tests call them. */
final class Native {
    private Native() {}

    /** Called from the native core, which throws what it gets. */
    static Throwable exception(String code, String message) {
        return new ThalwegException(code, message);
    }

    static native void start(Class<?> log);

    static native void logThreshold(int level);

    static native String version();

    static native long open(String configJson);

    static native void close(long handle);

    static native String observe(long handle, ByteBuffer in, int length, long nowMillis);

    static native void assign(long handle, ByteBuffer in, int length, ByteBuffer out, long nowMillis);

    static native String command(long handle, String requestJson, long nowMillis);

    /** Decodes a snapshot and counts its executors. */
    static native int inspect(ByteBuffer in, int length);

    /**
     * Misbehaves: 1 fails, 2 panics, 3 logs on a thread of its own, 4 panics there, 5 tells how many KiB the C library has
     * given out, -1 where it does not count, 6 leaks 64 bytes, else logs.
     */
    static native int selfTest(int what);

    /** Has an entry fail from now on, on every thread: 1 by an error, 2 by a panic, 3 for want of memory, 0 no more. */
    static native void plant(String entry, int fault);
}
