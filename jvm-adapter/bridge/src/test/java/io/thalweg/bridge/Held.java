package io.thalweg.bridge;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;

/**
 * What this process holds at a moment, once garbage is gone.
 *
 * @param heapKib what is in use on Java's heap
 * @param nativeKib what the C library has given out to the core and to the JVM; 0 where it does not count
 * @param residentKib what the process has in memory
 * @param descriptors how many files it has open
 * @param threads how many threads it has, those of the JVM and of the core among them
 * @param libraries how many copies of the native library are mapped
 */
record Held(long heapKib, long nativeKib, long residentKib, long descriptors, long threads, long libraries) {
    private static final Path SELF = Path.of("/proc/self");

    /** What is held now. */
    static Held now() throws IOException {
        long heap = Long.MAX_VALUE;
        for (long before = Long.MAX_VALUE; ; before = heap) {
            System.gc();
            heap = ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed() / 1024;
            if (heap >= before) {
                break;
            }
        }
        return new Held(heap, givenOut(), resident(), entries("fd"), entries("task"), mapped());
    }

    /** How many copies of the native library are mapped. */
    static long mapped() throws IOException {
        try (Stream<String> maps = Files.lines(SELF.resolve("maps"))) {
            return maps.filter(line -> line.contains("thalweg-") && line.contains(".so") && line.contains("r-xp")).count();
        }
    }

    /** What is held more than before. */
    Held since(Held before) {
        return new Held(heapKib - before.heapKib, nativeKib - before.nativeKib, residentKib - before.residentKib,
                descriptors - before.descriptors, threads - before.threads, libraries - before.libraries);
    }

    /** The least of a second: the JVM has some megabytes more while it compiles. */
    private static long givenOut() {
        long least = Native.selfTest(5);
        long end = System.nanoTime() + 1_000_000_000L;
        while (System.nanoTime() < end) {
            LockSupport.parkNanos(20_000_000L);
            least = Math.min(least, Native.selfTest(5));
        }
        return Math.max(0, least);
    }

    private static long resident() throws IOException {
        try (Stream<String> status = Files.lines(SELF.resolve("status"))) {
            return status.filter(line -> line.startsWith("VmRSS:")).mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")))
                    .findFirst().orElseThrow();
        }
    }

    private static long entries(String folder) throws IOException {
        // The folder that is listed is open meanwhile, before as after.
        try (Stream<Path> all = Files.list(SELF.resolve(folder))) {
            return all.count();
        }
    }
}
