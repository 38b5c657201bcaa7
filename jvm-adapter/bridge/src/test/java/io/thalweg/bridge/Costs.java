package io.thalweg.bridge;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryMXBean;
import java.lang.management.ThreadInfo;
import java.lang.management.ThreadMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** What this process takes of its machine, for benchmarks of what runs inside other people's processes. */
public final class Costs {
    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();
    private static final MemoryMXBean MEMORY = ManagementFactory.getMemoryMXBean();
    private static final double MIB = 1 << 20;

    /** Something that takes a while. */
    @FunctionalInterface
    public interface Work {
        /** Does it. */
        void run() throws InterruptedException;
    }

    /** What a while took: its length, and the shares of a core that a thread and the whole process had in it. */
    public record While(double secs, double threadPercent, double processPercent) {
        /** Does something, and tells what a thread whose name begins so, and the process, took meanwhile. */
        public static While of(String thread, Work work) throws InterruptedException {
            long begun = System.nanoTime();
            long process = processNanos();
            long own = threadNanos(thread);
            work.run();
            double nanos = System.nanoTime() - begun;
            return new While(nanos / 1e9, 100 * (threadNanos(thread) - own) / nanos, 100 * (processNanos() - process) / nanos);
        }
    }

    private Costs() { }

    /** Processor time that the process has had so far. */
    private static long processNanos() {
        return ((OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean()).getProcessCpuTime();
    }

    /** Processor time that the thread whose name begins so has had so far. */
    private static long threadNanos(String name) {
        for (long id : THREADS.getAllThreadIds()) {
            ThreadInfo info = THREADS.getThreadInfo(id);
            if (info != null && info.getThreadName().startsWith(name)) {
                return THREADS.getThreadCpuTime(id);
            }
        }
        throw new IllegalStateException("there is no thread " + name);
    }

    /** What is in use on the heap. */
    public static double heapMib() {
        System.gc();
        return MEMORY.getHeapMemoryUsage().getUsed() / MIB;
    }

    /**
     * What the process has in memory beyond what the JVM manages: the native core's, above all. The whole heap has to be in
     * memory from the start ({@code -Xms} as {@code -Xmx}, and {@code -XX:+AlwaysPreTouch}): of one that is not, parts that
     * are used for the first time would count.
     */
    public static double outsideJvmMib() throws IOException {
        double managed = (MEMORY.getHeapMemoryUsage().getCommitted() + MEMORY.getNonHeapMemoryUsage().getCommitted()) / MIB;
        for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
            if (line.startsWith("VmRSS:")) {
                return Long.parseLong(line.replaceAll("\\D", "")) / 1024.0 - managed;
            }
        }
        throw new IOException("/proc/self/status: no VmRSS");
    }

    /** Removes a folder that a benchmark made, with all that is in it. */
    public static void remove(Path folder) throws IOException {
        List<Path> all;
        try (Stream<Path> found = Files.walk(folder)) {
            all = found.sorted(Comparator.reverseOrder()).toList();
        }
        for (Path path : all) {
            Files.deleteIfExists(path);
        }
    }

    /** The most of these instants, in nanoseconds and ascending, that lie within one second. */
    public static int mostInASecond(List<Long> instants) {
        int most = 0;
        int first = 0;
        for (int last = 0; last < instants.size(); last++) {
            while (instants.get(last) - instants.get(first) >= 1_000_000_000L) {
                first++;
            }
            most = Math.max(most, last - first + 1);
        }
        return most;
    }
}
