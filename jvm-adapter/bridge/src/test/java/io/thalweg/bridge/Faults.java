package io.thalweg.bridge;

import java.util.Set;

/** Plants faults at native entries, for tests of what stands above them. */
public final class Faults {
    /** What is planted, in the order of its numbers. */
    public enum Kind {
        ERROR("internal"), PANIC("panic"), MEMORY("memory");

        private final String code;

        Kind(String code) {
            this.code = code;
        }

        /** The code that it comes out with, as metrics write it. */
        public String code() {
            return code;
        }
    }

    private Faults() {}

    /** The names of all native entries. */
    public static Set<String> entries() {
        return Entries.natives();
    }

    /** Does something while an entry fails at each call. */
    public static void during(String entry, Kind kind, Runnable work) {
        NativeLibrary.load(null);
        if (entry.equals("plant")) {
            // Nobody else calls it, and it could not take its own fault back.
            work.run();
            return;
        }
        Native.plant(entry, kind.ordinal() + 1);
        try {
            work.run();
        } finally {
            Native.plant(entry, 0);
        }
    }
}
