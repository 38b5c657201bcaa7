package io.thalweg.bridge;

/** The one exception of the native core, told apart by its code. */
public final class ThalwegException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** What went wrong; the names are stable and are those of the native core. */
    public enum Code {
        /** The settings cannot be used. */
        CONFIG,
        /** The encoded snapshot is malformed. */
        SNAPSHOT,
        /** The store failed. */
        STORE,
        /** The request does not fit the state of the engine. */
        STATE,
        /** The native core has a bug: it panicked, and lives on. */
        PANIC,
        /** The memory that a call may need is not to be had; nothing was done. */
        MEMORY,
        /** The native library could not be loaded. */
        NATIVE_MISSING,
        /** The engine was closed. */
        CLOSED,
        /** Anything else that is our fault. */
        INTERNAL;

        /** The code with this name; {@link #INTERNAL} for a name that is not known here. */
        static Code named(String name) {
            for (Code code : values()) {
                if (code.name().equals(name)) {
                    return code;
                }
            }
            return INTERNAL;
        }
    }

    private final Code code;

    /** Makes an exception of this side. */
    public ThalwegException(Code code, String message, Throwable cause) {
        super(code + ": " + message, cause);
        this.code = code;
    }

    /** Makes an exception without a cause. */
    public ThalwegException(Code code, String message) {
        this(code, message, null);
    }

    /** Made for the native core. */
    ThalwegException(String code, String message) {
        this(Code.named(code), message);
    }

    /** What went wrong. */
    public Code code() {
        return code;
    }
}
