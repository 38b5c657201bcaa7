package io.thalweg.bridge;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.ref.WeakReference;
import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.net.URLClassLoader;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Class loaders that come, use the core and go, as those of session clusters and of schedulers in tests do. */
@Timeout(value = 20, unit = TimeUnit.MINUTES)
class ClassLoadersTest {
    /** How many come and go; {@code make native-test} has 200. */
    private static final int LOADERS = Integer.getInteger("thalweg.loaders", 12);
    /** Before anything is counted. */
    private static final int WARM = 4;
    /** What all may leave outside of the heap: with 200 of them, 40 KiB each. The JVM's own ups and downs are some megabytes. */
    private static final long MOST_NATIVE_KIB = 8 * 1024;
    private static final long MOST_HEAP_KIB = 1024;
    /** The JVM lets go of a library after its class loader, on a thread of its own; until then the next has to take another. */
    private static final long MOST_LIBRARIES = 3;
    private static final long PATIENCE_MILLIS = 60_000;
    /** How many come and go before one has taken over what another left. */
    private static final int MOST_UNTIL_TAKEN_OVER = 20;
    private static final long NOW = 1763726400123L;

    @TempDir
    Path folder;

    @Test
    void theyGoWithAllThatTheyBroughtAndLeaveTheirCopyToTheNext() throws Exception {
        NativeLibrary.load(null);
        for (int one = 0; one < WARM; one++) {
            comesAndGoes();
        }
        Held before = Held.now();
        for (int one = 0; one < LOADERS; one++) {
            comesAndGoes();
        }
        Held more = Held.now().since(before);
        System.out.println(LOADERS + " class loaders came and went: " + more + " on top of " + before);
        assertTrue(more.libraries() <= MOST_LIBRARIES, more::toString);
        assertTrue(more.descriptors() <= 0, more::toString);
        assertTrue(more.threads() <= 2, more::toString);
        assertTrue(more.heapKib() <= MOST_HEAP_KIB, more::toString);
        assertTrue(more.nativeKib() <= MOST_NATIVE_KIB, more::toString);
    }

    private void comesAndGoes() throws Exception {
        WeakReference<ClassLoader> one = used(folder.resolve("store"));
        assertTrue(waits(() -> one.get() == null), "a class loader that has closed its engine is held");
    }

    @Test
    void twoAtATimeHaveEnginesOfTheirOwn() throws Exception {
        try (URLClassLoader first = NativeLibraryTest.isolated(); URLClassLoader second = NativeLibraryTest.isolated()) {
            Used one = new Used(first, folder.resolve("one"));
            Used other = new Used(second, folder.resolve("other"));
            one.look();
            other.look();
            // A store is one engine's, whichever copy of the library has opened it.
            InvocationTargetException e = assertThrows(InvocationTargetException.class,
                    () -> new Used(second, folder.resolve("one")));
            assertTrue(e.getCause().getMessage().startsWith("STORE: "), e.getCause().getMessage());
            one.close();
            other.look();
            other.close();
        }
    }

    @Test
    void oneWithAnOpenEngineStaysUntilThatIsClosed() throws Exception {
        long[] handle = new long[1];
        WeakReference<ClassLoader> left = onAThread(() -> {
            ClassLoader loader = NativeLibraryTest.isolated();
            Used used = new Used(loader, folder.resolve("left"));
            handle[0] = used.handle();
            return new WeakReference<>(loader);
        });
        for (int again = 0; again < 5; again++) {
            System.gc();
        }
        assertNotNull(left.get(), "its engine still runs, and its threads may log");
        onAThread(() -> {
            Method close = left.get().loadClass(Native.class.getName()).getDeclaredMethod("close", long.class);
            close.setAccessible(true);
            return close.invoke(null, handle[0]);
        });
        assertTrue(waits(() -> left.get() == null), "what its engine held is held on");
    }

    @Test
    void whoTakesACopyOverTakesNoFaultOverThatAnotherHasPlanted() throws Exception {
        NativeLibrary.load(null);
        assertTrue(takenOver(), "no copy is taken over");
    }

    @Test
    void theJvmHasNoWarningForWhoTakesACopyOver() throws Exception {
        Path errors = folder.resolve("errors");
        Process process = new ProcessBuilder(Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Xcheck:jni",
                "-cp", System.getProperty("java.class.path"), TakingOver.class.getName())
                .directory(folder.toFile()).redirectErrorStream(true).redirectOutput(errors.toFile()).start();
        int status = process.waitFor();
        String told = Files.readString(errors);
        assertEquals(0, status, told);
        assertTrue(told.contains("a copy is taken over"), told);
        assertTrue(told.lines().noneMatch(line -> line.contains("stack guard")), told);
    }

    /** A process in which one class loader takes over what another left. */
    static final class TakingOver {
        private TakingOver() {}

        /** Has that happen. */
        public static void main(String[] arguments) throws Exception {
            System.out.println(takenOver() ? "a copy is taken over" : "no copy is taken over");
        }
    }

    /** Has class loaders come, plant a fault and go, until one has the copy of another, and tells whether that happened. */
    private static boolean takenOver() throws Exception {
        for (int one = 0; one < MOST_UNTIL_TAKEN_OVER; one++) {
            String before = System.getProperty("io.thalweg.native.copies");
            WeakReference<ClassLoader> left = onAThread(() -> {
                try (URLClassLoader loader = NativeLibraryTest.isolated()) {
                    loader.loadClass(ThalwegEngine.class.getName()).getMethod("version").invoke(null);
                    Method plant = loader.loadClass(Native.class.getName()).getDeclaredMethod("plant", String.class, int.class);
                    plant.setAccessible(true);
                    plant.invoke(null, "version", 1);
                    return new WeakReference<>(loader);
                }
            });
            if (Objects.equals(before, System.getProperty("io.thalweg.native.copies"))) {
                return true;
            }
            assertTrue(waits(() -> left.get() == null), "a class loader is held");
        }
        return false;
    }

    /** Uses the core in a loader of its own, on a thread of its own, and drops all of that. */
    private static WeakReference<ClassLoader> used(Path store) throws Exception {
        return onAThread(() -> {
            try (URLClassLoader loader = NativeLibraryTest.isolated()) {
                Used used = new Used(loader, store);
                used.look();
                used.close();
                return new WeakReference<>(loader);
            }
        });
    }

    /** A thread that ends at once: it has something to tidy up in the library as it does, while that may be let go of. */
    private static <T> T onAThread(Callable<T> work) throws Exception {
        FutureTask<T> task = new FutureTask<>(work);
        Thread thread = new Thread(task, "uses-the-core");
        thread.start();
        thread.join();
        return task.get();
    }

    private static boolean waits(BooleanSupplier until) throws InterruptedException {
        long end = System.currentTimeMillis() + PATIENCE_MILLIS;
        while (!until.getAsBoolean()) {
            if (System.currentTimeMillis() > end) {
                return false;
            }
            System.gc();
            Thread.sleep(20);
        }
        return true;
    }

    /** An engine of another class loader. */
    private static final class Used {
        private final ClassLoader loader;
        private final Object engine;

        Used(ClassLoader loader, Path store) throws ReflectiveOperationException {
            this.loader = loader;
            engine = loader.loadClass(ThalwegEngine.class.getName()).getMethod("open", String.class)
                    .invoke(null, "{\"thalweg.store.dir\": \"" + store + "\"}");
        }

        /** Hands a snapshot in, which a writer of the same loader has made. */
        void look() throws ReflectiveOperationException {
            Object writer = loader.loadClass(SnapshotWriter.class.getName()).getConstructor().newInstance();
            Class<?> of = writer.getClass();
            of.getMethod("begin", long.class).invoke(writer, NOW);
            Object snapshot = of.getMethod("finish").invoke(writer);
            Object length = of.getMethod("length").invoke(writer);
            Object answer = engine.getClass().getMethod("observe", ByteBuffer.class, int.class, long.class)
                    .invoke(engine, snapshot, length, NOW);
            assertTrue(answer.toString().startsWith("{"), answer::toString);
            engine.getClass().getMethod("command", String.class, long.class).invoke(engine, "{\"op\": \"status\"}", NOW);
        }

        long handle() throws ReflectiveOperationException {
            Field handle = engine.getClass().getDeclaredField("handle");
            handle.setAccessible(true);
            return handle.getLong(engine);
        }

        void close() throws ReflectiveOperationException {
            engine.getClass().getMethod("close").invoke(engine);
        }
    }
}
