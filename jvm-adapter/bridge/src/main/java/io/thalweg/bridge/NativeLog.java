package io.thalweg.bridge;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.event.Level;

/**
 * Where the log lines of the native core arrive.
 *
 * <p>The logger {@code io.thalweg} bounds what leaves the core at all; loggers below it can only
 * silence more.
 */
final class NativeLog {
    private static final Logger ROOT = LoggerFactory.getLogger("io.thalweg");
    private static final int OFF = Level.ERROR.toInt() + 1;

    private NativeLog() {}

    /** Called from the native core, on any thread. */
    static void log(int level, String logger, String line) {
        LoggerFactory.getLogger(logger).atLevel(Level.intToLevel(level)).log(line);
    }

    /** Tells the core what is worth sending; asked again each round, as levels can change. */
    static void refreshThreshold() {
        Native.logThreshold(threshold());
    }

    private static int threshold() {
        Level[] gravestFirst = Level.values();
        int threshold = OFF;
        for (Level level : gravestFirst) {
            if (!ROOT.isEnabledForLevel(level)) {
                break;
            }
            threshold = level.toInt();
        }
        return threshold;
    }
}
