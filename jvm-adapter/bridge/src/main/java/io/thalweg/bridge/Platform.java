package io.thalweg.bridge;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * What a native library is made for. A jar may hold libraries for several, each in a folder of this name.
 *
 * @param os the operating system, {@code linux}
 * @param arch the processor, {@code x86_64} or {@code aarch64}
 * @param libc the C library, {@code gnu} or {@code musl}; empty where the operating system has one only
 */
record Platform(String os, String arch, String libc) {
    private static final List<String> ARCHS = List.of("x86_64", "aarch64", "riscv64", "ppc64le", "s390x");
    private static final List<String> LIBCS = List.of("gnu", "musl");
    private static final Path MAPPED = Path.of("/proc/self/maps");

    /** The one that this JVM runs on. */
    static Platform here() {
        return of(System.getProperty("os.name"), System.getProperty("os.arch"), mapped());
    }

    /**
     * A platform by its names in Java.
     *
     * @param mapped the files that are mapped into the process: the C library is among them
     */
    static Platform of(String osName, String osArch, String mapped) {
        String os = osName.toLowerCase(Locale.ROOT).split(" ")[0];
        String arch = switch (osArch.toLowerCase(Locale.ROOT)) {
            case "amd64", "x64" -> "x86_64";
            case "arm64" -> "aarch64";
            default -> osArch.toLowerCase(Locale.ROOT);
        };
        if (!os.equals("linux")) {
            return new Platform(os, arch, "");
        }
        // A JVM for glibc runs on musl with a layer between: musl is mapped then too, and is what a library gets.
        return new Platform(os, arch, mapped.contains("/ld-musl-") ? "musl" : "gnu");
    }

    /** Where a library for it lies inside the jar. */
    String resource() {
        return "/native/" + this + "/libthalweg_jni.so";
    }

    /** Whether the jar has a library for it. */
    boolean isHeld() {
        return Platform.class.getResource(resource()) != null;
    }

    /** Those that the jar has a library for. */
    static List<Platform> held() {
        List<Platform> held = new ArrayList<>();
        for (String arch : ARCHS) {
            for (String libc : LIBCS) {
                Platform platform = new Platform("linux", arch, libc);
                if (platform.isHeld()) {
                    held.add(platform);
                }
            }
        }
        return held;
    }

    @Override
    public String toString() {
        return os + "-" + arch + (libc.isEmpty() ? "" : "-" + libc);
    }

    private static String mapped() {
        try {
            return Files.readString(MAPPED, StandardCharsets.ISO_8859_1);
        } catch (IOException | SecurityException e) {
            // Most have glibc. On another one the library does not load, and the message says what it lacks.
            return "";
        }
    }
}
