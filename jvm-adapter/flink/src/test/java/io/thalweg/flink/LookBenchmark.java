package io.thalweg.flink;

import io.thalweg.bridge.Costs;
import io.thalweg.bridge.NativeLibrary;
import io.thalweg.flink.act.ClusterStates;
import io.thalweg.flink.rest.Requirements;
import io.thalweg.flink.rest.Rest;
import io.thalweg.shell.Actuator;
import io.thalweg.shell.Engine;
import io.thalweg.shell.EngineFacade;
import io.thalweg.shell.NativeEngine;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.ObjectMapper;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.node.ArrayNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.node.JsonNodeFactory;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * What looking at jobs costs the JVM that the JobManager runs in, and how many calls it has to answer: jobs of 10 vertices
 * with two subtasks each, decided on in mode {@code observe}. A plain HTTP server in the same JVM answers, so what Flink does
 * to make its answers is not in it. Run it by hand.
 */
final class LookBenchmark {
    private static final int[] SIZES = {1, 10, 100};
    /** Whole looks, from the beginning of one to the beginning of another; the first ones warm the JVM up. */
    private static final int WARM = 1;
    private static final int MEASURED = 2;
    private static final String MONITOR = "thalweg-monitor";

    private LookBenchmark() { }

    /** Prints a table, and leaves it as {@code target/bench/look-flink.json}. */
    public static void main(String[] args) throws Exception {
        // The JDK's own server would wait 40 ms for an acknowledgement within each answer; Flink's does not.
        System.setProperty("sun.net.httpserver.nodelay", "true");
        ArrayNode rows = JsonNodeFactory.instance.arrayNode();
        System.out.println("jobs  subtasks  calls  every s  calls in any s  monitor % of a core  JVM %  heap MiB  native MiB");
        for (int size : SIZES) {
            ObjectNode row = measure(size);
            rows.add(row);
            System.out.printf(Locale.ROOT, "%4d %9d %6d %8.1f %15d %20.2f %6.2f %9.0f %11.0f%n", size, row.path("subtasks").asInt(),
                row.path("calls").asInt(), row.path("cycle_secs").asDouble(), row.path("most_calls_in_a_second").asInt(),
                row.path("monitor_percent_of_a_core").asDouble(), row.path("jvm_percent_of_a_core").asDouble(),
                row.path("heap_mib").asDouble(), row.path("native_mib").asDouble());
        }
        Path out = Path.of(System.getProperty("thalweg.repository"), "target/bench/look-flink.json");
        Files.createDirectories(out.getParent());
        new ObjectMapper().writerWithDefaultPrettyPrinter().writeValue(out.toFile(), rows);
    }

    private static ObjectNode measure(int size) throws Exception {
        Path store = Files.createTempDirectory("thalweg-look");
        try (RunningJobs running = new RunningJobs(size)) {
            Settings settings = Settings.of(Map.of("rest.address", "127.0.0.1", "rest.port", running.port() + "",
                "thalweg.store.dir", store.toString(), "thalweg.mode", "observe"));
            NativeLibrary.load(settings.libraryPath());
            double heap = Costs.heapMib();
            double outside = Costs.outsideJvmMib();
            try (Engine engine = new NativeEngine(settings.libraryPath(), settings.forEngine())) {
                EngineFacade facade = new EngineFacade(engine);
                Jobs jobs = Jobs.all();
                Rest rest = new Rest(settings.rest());
                Requirements requirements = new Requirements(rest, () -> null, bounds -> { });
                try (Monitor monitor = new Monitor(settings, rest, requirements, engine, facade, jobs);
                        Actuator actuator = new Actuator(facade,
                            new ClusterStates(settings, rest, requirements, facade, jobs, monitor), 1000, result -> { })) {
                    monitor.start(actuator);
                    return follow(running).put("jobs", size).put("subtasks", running.subtasks())
                        .put("heap_mib", Costs.heapMib() - heap).put("native_mib", Costs.outsideJvmMib() - outside);
                }
            }
        } finally {
            Costs.remove(store);
        }
    }

    /** Waits for whole looks, and tells what they took. */
    private static ObjectNode follow(RunningJobs running) throws InterruptedException {
        running.awaitLooks(WARM);
        Costs.While looks = Costs.While.of(MONITOR, () -> running.awaitLooks(WARM + MEASURED));
        return JsonNodeFactory.instance.objectNode()
            .put("calls", running.callsOfALook()).put("cycle_secs", looks.secs() / MEASURED)
            .put("most_calls_in_a_second", running.mostCallsInASecond())
            .put("monitor_percent_of_a_core", looks.threadPercent())
            .put("jvm_percent_of_a_core", looks.processPercent());
    }
}
