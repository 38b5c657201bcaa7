package io.thalweg.shell;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import javax.tools.JavaCompiler;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A class of ours that lacks a method by now, as after an interface of the engine's got one more. */
class LinkageTest {
    private static void compile(Path folder, String name, String source) throws IOException {
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        Path file = folder.resolve(name + ".java");
        Files.createDirectories(file.getParent());
        Files.writeString(file, source);
        String[] arguments = {"-d", folder.toString(), "-cp", folder.toString(), file.toString()};
        assertEquals(0, compiler.run(null, null, System.err, arguments));
    }

    @Test
    void aMethodThatAnInterfaceWantsByNowIsNamed(@TempDir Path folder) throws Exception {
        compile(folder, "engine/Hook", "package engine; public interface Hook { void old(); }");
        compile(folder, "io/thalweg/Ours",
            "package io.thalweg; public final class Ours implements engine.Hook { public void old() { } }");
        assertEquals(Set.of(), missing(folder));
        compile(folder, "engine/Hook", "package engine; public interface Hook { void old(); int added(String what); }");
        Set<String> missing = missing(folder);
        assertEquals(Set.of("io.thalweg.Ours.added(Ljava/lang/String;)I"), missing);
        compile(folder, "engine/Hook", "package engine; public interface Hook { default void old() { } }");
        assertTrue(missing(folder).isEmpty());
    }

    private static Set<String> missing(Path folder) throws Exception {
        java.net.URL[] path = {folder.toUri().toURL()};
        try (java.net.URLClassLoader loader = new java.net.URLClassLoader(path, null)) {
            return new Linkage("engine", "engine/", Set.of()).missing(loader.loadClass("io.thalweg.Ours"));
        }
    }
}
