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

    /** Called from the native core, on any thread, which nothing may leave: what is not logged is lost. Returns nothing. */
    static Object log(int level, String logger, String line) {
        try {
            write(level, logger, line);
        } catch (Throwable e) {
            // The log itself fails, so there is nowhere left to say so.
        }
        return null;
    }

    private static void write(int level, String logger, String line) {
        Logger target = LoggerFactory.getLogger(logger);
        switch (of(level)) {
            case ERROR -> target.error(line);
            case WARN -> target.warn(line);
            case INFO -> target.info(line);
            case DEBUG -> target.debug(line);
            case TRACE -> target.trace(line);
        }
    }

    /** Tells the core what is worth sending; asked again each round, as levels can change. */
    static void refreshThreshold() {
        Native.logThreshold(threshold());
    }

    private static int threshold() {
        Level[] gravestFirst = Level.values();
        int threshold = OFF;
        for (Level level : gravestFirst) {
            if (!enabled(level)) {
                break;
            }
            threshold = level.toInt();
        }
        return threshold;
    }

    /** SLF4J 1.7, which Flink brings along, can ask neither by level nor by number. */
    private static boolean enabled(Level level) {
        return switch (level) {
            case ERROR -> ROOT.isErrorEnabled();
            case WARN -> ROOT.isWarnEnabled();
            case INFO -> ROOT.isInfoEnabled();
            case DEBUG -> ROOT.isDebugEnabled();
            case TRACE -> ROOT.isTraceEnabled();
        };
    }

    private static Level of(int number) {
        for (Level level : Level.values()) {
            if (level.toInt() == number) {
                return level;
            }
        }
        return Level.ERROR;
    }
}
