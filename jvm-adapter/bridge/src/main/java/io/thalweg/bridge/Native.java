package io.thalweg.bridge;

import java.nio.ByteBuffer;

/** The entries of the native library; only {@link ThalwegEngine} and tests call them. */
final class Native {
    private Native() {}

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

    /** Misbehaves: 1 fails, 2 panics, 3 logs on a thread of its own, 4 panics there, else logs. */
    static native int selfTest(int what);
}
