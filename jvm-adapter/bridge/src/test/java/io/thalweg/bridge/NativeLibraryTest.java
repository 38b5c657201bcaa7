package io.thalweg.bridge;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NativeLibraryTest {
    @Test
    void eachClassLoaderLoadsItsOwnCopy() throws Exception {
        NativeLibrary.load(null);
        try (URLClassLoader first = isolated(); URLClassLoader second = isolated()) {
            assertNotSame(first.loadClass(ThalwegEngine.class.getName()), ThalwegEngine.class);
            assertEquals(ThalwegEngine.version(), versionIn(first));
            assertEquals(ThalwegEngine.version(), versionIn(second));
        }
    }

    @Test
    void noCopyIsLeftBehind() throws Exception {
        Set<Path> before = copies();
        try (URLClassLoader loader = isolated()) {
            versionIn(loader);
        }
        assertEquals(before, copies());
    }

    @Test
    void whatIsUnpackedStaysTheFileThatWasMadeForItsUserAlone(@TempDir Path folder) throws IOException {
        Path copy = Files.createTempFile(folder, "thalweg-", ".so");
        Object made = Files.readAttributes(copy, BasicFileAttributes.class).fileKey();
        NativeLibrary.unpack(Platform.here(), copy);
        assertTrue(Files.size(copy) > 0);
        assertEquals(made, Files.readAttributes(copy, BasicFileAttributes.class).fileKey());
        assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(copy)));
    }

    @Test
    void nothingIsUnpackedThroughALink(@TempDir Path folder) throws IOException {
        Path others = Files.writeString(folder.resolve("others"), "another's");
        Path link = Files.createSymbolicLink(folder.resolve("thalweg-1.so"), others);
        assertThrows(IOException.class, () -> NativeLibrary.unpack(Platform.here(), link));
        assertEquals("another's", Files.readString(others));
    }

    /** Copies in the folder for temporary files, those of others among them. */
    private static Set<Path> copies() throws IOException {
        try (Stream<Path> files = Files.list(Path.of(System.getProperty("java.io.tmpdir")))) {
            return files.filter(file -> file.getFileName().toString().matches("thalweg-\\d+\\.so"))
                    .collect(Collectors.toSet());
        }
    }

    @Test
    void aFailureIsRemembered() throws Exception {
        try (URLClassLoader loader = isolated()) {
            Method load = loader.loadClass(NativeLibrary.class.getName()).getMethod("load", String.class);
            assertMissing("cannot", load, "/nowhere/libthalweg_jni.so");
            assertMissing("did not load before", load, null);
        }
    }

    @Test
    void aFaultAsTheLibraryStartsIsRememberedToo(@TempDir Path folder) throws Exception {
        Path copy = Files.createFile(folder.resolve("thalweg.so"));
        NativeLibrary.unpack(Platform.here(), copy);
        try (URLClassLoader loader = isolated()) {
            Class<?> platform = loader.loadClass(Platform.class.getName());
            Class<?> library = loader.loadClass(NativeLibrary.class.getName());
            open(library.getDeclaredMethod("loadFrom", String.class, platform)).invoke(null, copy.toString(), null);
            Class<?> entries = loader.loadClass(Native.class.getName());
            open(entries.getDeclaredMethod("plant", String.class, int.class)).invoke(null, "start", 2);
            Method load = library.getMethod("load", String.class);
            assertMissing("panic: a planted panic", load, copy.toString());
            assertMissing("did not load before", load, null);
        }
    }

    private static Method open(Method method) {
        method.setAccessible(true);
        return method;
    }

    @Test
    void aPlatformWithoutALibraryIsNamedWithThoseThatHaveOne() throws Exception {
        String arch = System.getProperty("os.arch");
        try (URLClassLoader loader = isolated()) {
            System.setProperty("os.arch", "sparcv9");
            Method load = loader.loadClass(NativeLibrary.class.getName()).getMethod("load", String.class);
            assertMissing("this machine is linux-sparcv9-gnu, and the jar holds native libraries for: linux-", load, null);
            assertMissing("did not load before", load, null);
        } finally {
            System.setProperty("os.arch", arch);
        }
    }

    private static void assertMissing(String message, Method load, String path) {
        InvocationTargetException e = assertThrows(InvocationTargetException.class, () -> load.invoke(null, path));
        String told = e.getCause().getMessage().toLowerCase(java.util.Locale.ROOT);
        assertTrue(told.startsWith("native_missing") && (told.contains(message) || told.contains("can't")), told);
    }

    private static Object versionIn(ClassLoader loader) throws ReflectiveOperationException {
        return loader.loadClass(ThalwegEngine.class.getName()).getMethod("version").invoke(null);
    }

    /** A loader that sees the same class path, but shares no class with us. */
    static URLClassLoader isolated() {
        URL[] classPath = Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                .map(NativeLibraryTest::url).toArray(URL[]::new);
        return new URLClassLoader(classPath, ClassLoader.getPlatformClassLoader());
    }

    private static URL url(String path) {
        try {
            return Path.of(path).toUri().toURL();
        } catch (MalformedURLException e) {
            throw new IllegalArgumentException(path, e);
        }
    }
}
