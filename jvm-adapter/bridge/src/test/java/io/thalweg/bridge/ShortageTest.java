package io.thalweg.bridge;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.thalweg.bridge.Entries.Entry;
import io.thalweg.bridge.ThalwegException.Code;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

/** Native entries where heap, address space or disk run out. */
@Timeout(300)
class ShortageTest {
    /** Less than a cluster of 36,000 executors may need, and more than the JVM takes on its own. */
    private static final long SPARE_BYTES = 64L << 20;
    /** Those that make something in Java of what they answer. */
    private static final Set<String> ANSWERS = Set.of("version", "observe", "command");
    private static final int DISK_KIB = 4096;

    @TempDir
    Path folder;

    @Test
    void aFullHeapIsAnErrorOfJavasAndTheCoreGoesOn() throws Exception {
        List<String> told = new ArrayList<>();
        Process process = started(List.of("-Xmx20m", "-XX:+UseSerialGC"), "heap");
        try (BufferedReader lines = process.inputReader()) {
            lines.lines().forEach(told::add);
        }
        assertEquals(0, process.waitFor(), () -> String.join("\n", told));
        Set<String> entries = told.stream().filter(line -> line.contains(": ")).map(line -> line.split(": ")[0])
                .collect(Collectors.toCollection(TreeSet::new));
        assertEquals(Entries.natives(), entries);
        for (String answer : ANSWERS) {
            assertTrue(told.contains(answer + ": OutOfMemoryError"), () -> answer + " of " + told);
        }
        // What is refused is refused by a code, or the exception itself finds no room.
        assertTrue(told.stream().noneMatch(line -> line.endsWith(": PANIC") && !line.startsWith("selfTest")), told::toString);
    }

    @Test
    @DisabledIfSystemProperty(named = "thalweg.sanitized", matches = "true", disabledReason = "sanitizers take all address space there is")
    void whatNeedsMoreAddressSpaceThanThereIsIsRefusedBeforeItBegins() throws Exception {
        List<String> told = new ArrayList<>();
        // What is compiled meanwhile would take address space as well.
        Process process = started(List.of("-Xint", "-Xms64m", "-Xmx64m", "-XX:+UseSerialGC", "-XX:+AlwaysPreTouch"), "address-space");
        try (BufferedReader lines = process.inputReader(); OutputStream orders = process.getOutputStream()) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                told.add(line);
                if (line.equals("limit me") || line.equals("lift it")) {
                    limit(process.pid(), line.equals("lift it") ? "unlimited" : String.valueOf(size(process.pid()) + SPARE_BYTES));
                    orders.write('\n');
                    orders.flush();
                }
            }
        }
        assertEquals(0, process.waitFor(), () -> String.join("\n", told));
        for (String entry : List.of("observe", "assign", "inspect", "command", "open")) {
            assertTrue(told.contains(entry + ": MEMORY"), () -> entry + " of " + told);
        }
        assertTrue(told.contains("after that, assign: nothing"), told::toString);
    }

    @Test
    void onAFullDiskEntriesWorkOrFailForTheStoreAndAllIsWellOnceThereIsRoom() throws Exception {
        Path disk = Files.createDirectory(folder.resolve("disk"));
        if (run("mount", "-t", "tmpfs", "-o", "size=" + DISK_KIB + "k", "thalweg-test", disk.toString()) != 0) {
            System.out.println("SKIPPED native entries on a full disk: this user may not mount one");
            return;
        }
        try (Entries entries = new Entries(disk)) {
            entries.keep("before");
            Path filler = fill(disk);
            Set<String> failed = new TreeSet<>();
            for (Entry entry : entries.all()) {
                try {
                    entry.good().run();
                } catch (ThalwegException e) {
                    assertEquals(Code.STORE, e.code(), entry.name() + ": " + e.getMessage());
                    failed.add(entry.name());
                }
            }
            // A new engine has to write before it may decide; one that runs goes on, and says so where it has to store.
            assertEquals(Set.of("open"), failed);
            assertEquals(Code.STORE, assertThrows(ThalwegException.class, () -> entries.keep("x".repeat(8192))).code());
            Files.delete(filler);
            keepOnceItIsOpenAgain(entries);
            entries.all().forEach(entry -> entry.good().run());
        } finally {
            assertEquals(0, run("umount", disk.toString()));
        }
    }

    /** The file is opened again once in ten seconds. */
    private static void keepOnceItIsOpenAgain(Entries entries) throws InterruptedException {
        for (int again = 0; again < 40; again++) {
            try {
                entries.keep("after");
                return;
            } catch (ThalwegException e) {
                assertEquals(Code.STORE, e.code(), e.getMessage());
                Thread.sleep(500);
            }
        }
        throw new AssertionError("the store does not work again");
    }

    private static Path fill(Path disk) throws IOException {
        Path filler = disk.resolve("filler");
        byte[] page = new byte[512];
        try (OutputStream into = Files.newOutputStream(filler, StandardOpenOption.CREATE)) {
            for (int at = 0; at <= 2 * DISK_KIB; at++) {
                into.write(page);
            }
        } catch (IOException e) {
            return filler;
        }
        throw new IOException(disk + " takes more than it has room for");
    }

    private Process started(List<String> options, String what) throws IOException {
        List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Xcheck:jni"));
        command.addAll(options);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), Shortage.class.getName(), what, folder.toString()));
        // What it leaves where nobody told it to is left there.
        return new ProcessBuilder(command).directory(folder.toFile()).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    }

    private static void limit(long pid, String bytes) {
        try {
            assertEquals(0, run("prlimit", "--pid", String.valueOf(pid), "--as=" + bytes + ":"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static long size(long pid) throws IOException {
        String status = Files.readString(Path.of("/proc", String.valueOf(pid), "status"));
        String line = status.lines().filter(one -> one.startsWith("VmSize:")).findFirst().orElse(null);
        assertTrue(line != null, status);
        return Long.parseLong(line.replaceAll("\\D", "")) << 10;
    }

    private static int run(String... command) throws IOException, InterruptedException {
        return new ProcessBuilder(command).inheritIO().start().waitFor();
    }
}
