package io.thalweg.flink;

import io.thalweg.shell.Leadership;
import java.util.HashMap;
import java.util.Map;

/**
 * Thalweg beside a cluster: it measures and changes parallelism through REST and needs nothing installed.
 *
 * <p>Arguments are {@code key=value} pairs with the keys of Flink's configuration; {@code rest.address} and
 * {@code rest.port} say where the JobManager is.
 */
public final class Standalone {
    private Standalone() {}

    /** Runs until the process is ended. */
    public static void main(String[] arguments) throws InterruptedException {
        Map<String, String> configuration = new HashMap<>();
        for (int i = 0; i < arguments.length; i++) {
            String argument = arguments[i];
            int equals = argument.indexOf('=');
            if (equals <= 0) {
                // It is not repeated: it may be a password.
                throw new IllegalArgumentException("argument " + (i + 1) + " is not key=value");
            }
            configuration.put(argument.substring(0, equals), argument.substring(equals + 1));
        }
        // From beside nobody can place subtasks.
        if (!"0".equals(configuration.get("thalweg.flink.level"))) {
            configuration.put("thalweg.flink.level", "1");
        }
        Thalweg thalweg = new Thalweg(Settings.of(configuration), Jobs.all(), Leadership.ALONE);
        Runtime.getRuntime().addShutdownHook(new Thread(thalweg::close));
        Thread.currentThread().join();
    }
}
