package io.thalweg.bridge;

import io.thalweg.bridge.ThalwegException.Code;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Loads the native core, once per class loader.
 *
 * <p>The JVM refuses to load one file into two class loaders. So each loader unpacks its own
 * private copy from the jar, and removes it at once: Linux keeps a mapped file alive. A copy whose
 * class loader is gone is taken over by the next one.
 */
public final class NativeLibrary {
    /** A property of the process: where the copies that were loaded lay, whichever class loader did that. */
    private static final String COPIES = "io.thalweg.native.copies";

    private static boolean loaded;
    private static ThalwegException failure;

    private NativeLibrary() {}

    /**
     * Loads the library, or does nothing when it is loaded already.
     *
     * @param explicitPath the library's file; null for the one inside the jar
     * @throws ThalwegException with {@link Code#NATIVE_MISSING}, and again on every later call
     */
    public static synchronized void load(String explicitPath) {
        if (loaded) {
            return;
        }
        if (failure != null) {
            throw new ThalwegException(Code.NATIVE_MISSING, "did not load before", failure);
        }
        Platform here = Platform.here();
        if (explicitPath == null && !here.isHeld()) {
            failure = unsupported(here);
            throw failure;
        }
        try {
            loadFrom(explicitPath, here);
            Native.start(NativeLog.class);
            NativeLog.refreshThreshold();
            loaded = true;
        } catch (IOException | LinkageError | SecurityException | ThalwegException e) {
            failure = new ThalwegException(Code.NATIVE_MISSING, explain(explicitPath, e), e);
            throw failure;
        }
    }

    private static void loadFrom(String explicitPath, Platform here) throws IOException {
        if (explicitPath != null) {
            System.load(Path.of(explicitPath).toAbsolutePath().toString());
            return;
        }
        for (String left : System.getProperty(COPIES, "").split(File.pathSeparator)) {
            if (!left.isEmpty() && takesOver(here, Path.of(left))) {
                return;
            }
        }
        Path copy = Files.createTempFile("thalweg-", ".so");
        try {
            unpack(here, copy);
            System.load(copy.toString());
        } finally {
            Files.deleteIfExists(copy);
        }
        // Class loaders share nothing of ours but this.
        synchronized (System.getProperties()) {
            System.setProperty(COPIES, System.getProperty(COPIES, "") + File.pathSeparator + copy);
        }
    }

    /**
     * Whether a copy is mapped that nobody uses any more: copies stay so for good, as threads may end in them at any time. The
     * system finds it by its name alone. The JVM reads a file there, which must be made by nobody else: with no library in it,
     * it would warn of one that may have disabled the stack guard, and stop all threads to mend that.
     */
    private static boolean takesOver(Platform here, Path copy) {
        try {
            Files.createFile(copy, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        } catch (IOException | UnsupportedOperationException e) {
            return false;
        }
        try {
            unpack(here, copy);
            System.load(copy.toString());
            return true;
        } catch (IOException | UnsatisfiedLinkError e) {
            // Another class loader has it, or there is no room for it.
            return false;
        } finally {
            copy.toFile().delete();
        }
    }

    /**
     * Fills a file that is there and ours. It is not made anew: others see its name in a folder that is theirs too, and a
     * new one would be as open as this process makes files.
     */
    static void unpack(Platform here, Path target) throws IOException {
        try (InputStream content = NativeLibrary.class.getResourceAsStream(here.resource())) {
            if (content == null) {
                throw new IOException("no " + here.resource() + " in the jar");
            }
            try (OutputStream into = Files.newOutputStream(target, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS)) {
                content.transferTo(into);
            }
        }
    }

    private static ThalwegException unsupported(Platform here) {
        List<Platform> held = Platform.held();
        String names = held.isEmpty() ? "none" : held.stream().map(Platform::toString).collect(Collectors.joining(", "));
        return new ThalwegException(Code.NATIVE_MISSING, "this machine is " + here
                + ", and the jar holds native libraries for: " + names
                + "; build one on such a machine (make dist), or name a file by thalweg.native.library");
    }

    private static String explain(String explicitPath, Throwable cause) {
        if (cause instanceof ThalwegException) {
            return cause.getMessage();
        }
        if (explicitPath == null) {
            return cause.getMessage() + " (unpacked to " + System.getProperty("java.io.tmpdir")
                    + ", which must be writable and not mounted noexec)";
        }
        return cause.getMessage() + " (a file can be loaded by one class loader only;"
                + " without an explicit path each loader unpacks its own copy from the jar)";
    }
}
