package io.thalweg.shell;

import java.io.ByteArrayInputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.lang.invoke.MethodType;
import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.net.URISyntaxException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * Whether the engine that runs has every class, method and field of its own that Thalweg uses, and wants no method that
 * Thalweg's classes lack. What is missing would otherwise show in the middle of an action. What is used is read from
 * Thalweg's own class files, so that nothing is forgotten.
 */
public final class Linkage {
    private static final String OURS = "io/thalweg";
    private static final String CLASS = ".class";

    private final String engine;
    private final String theirs;
    private final Set<String> dispensable;
    private final Map<String, Class<?>> found = new TreeMap<>();
    private final Set<String> missing = new TreeSet<>();
    private ClassLoader loader;

    /**
     * Something of the engine's that a class file names: a class, or one of its members.
     *
     * @param owner the class, with slashes
     * @param name the member; null for the class alone
     * @param descriptor the member's; null for the class alone
     */
    public record Use(String owner, String name, String descriptor) { }

    /**
     * Checks one engine.
     *
     * @param engine its name
     * @param theirs what the names of its classes begin with, with slashes
     * @param dispensable classes of it for which there is another way
     */
    public Linkage(String engine, String theirs, Set<String> dispensable) {
        this.engine = engine;
        this.theirs = theirs;
        this.dispensable = dispensable;
    }

    /**
     * Fails if anything is missing.
     *
     * @throws IncompatibleClassChangeError if so, with all that is missing
     */
    public void require(Class<?> anyOfOurs) throws IOException {
        Set<String> lacking = missing(anyOfOurs);
        if (!lacking.isEmpty()) {
            throw new IncompatibleClassChangeError("with this " + engine + " there is no " + String.join(", no ", lacking));
        }
    }

    /** What the class path of one of our classes lacks. */
    public Set<String> missing(Class<?> anyOfOurs) throws IOException {
        loader = anyOfOurs.getClassLoader();
        missing.clear();
        for (Map.Entry<String, byte[]> ours : classFiles(anyOfOurs).entrySet()) {
            uses(ours.getValue()).forEach(this::check);
            checkComplete(ours.getKey());
        }
        return missing;
    }

    /** What our classes use of the engine's. */
    public Set<Use> uses(Class<?> anyOfOurs) throws IOException {
        Set<Use> uses = new HashSet<>();
        for (byte[] ours : classFiles(anyOfOurs).values()) {
            uses.addAll(uses(ours));
        }
        return uses;
    }

    /** A class of ours that lacks what an interface of the engine's wants by now fails once that is called. */
    private void checkComplete(String ours) {
        try {
            Class<?> one = Class.forName(ours, false, loader);
            if (!Modifier.isAbstract(one.getModifiers())) {
                Stream.of(one.getMethods()).filter(method -> Modifier.isAbstract(method.getModifiers()))
                    .forEach(method -> missing.add(ours + "." + method.getName() + descriptor(method)));
            }
        } catch (ClassNotFoundException | LinkageError e) {
            // What it names is missing, and mostly named already.
            if (missing.isEmpty()) {
                missing.add(ours + ": " + e);
            }
        }
    }

    private static Map<String, byte[]> classFiles(Class<?> anyOfOurs) throws IOException {
        Path place;
        try {
            place = Path.of(anyOfOurs.getProtectionDomain().getCodeSource().getLocation().toURI());
        } catch (URISyntaxException e) {
            throw new IOException(e);
        }
        if (Files.isDirectory(place)) {
            return read(place.resolve(OURS));
        }
        try (FileSystem jar = FileSystems.newFileSystem(place)) {
            return read(jar.getPath(OURS));
        }
    }

    /** By the names of the classes. */
    private static Map<String, byte[]> read(Path folder) throws IOException {
        Map<String, byte[]> files = new TreeMap<>();
        try (Stream<Path> all = Files.walk(folder)) {
            for (Path file : (Iterable<Path>) all.filter(path -> path.toString().endsWith(CLASS))::iterator) {
                String path = folder.relativize(file).toString();
                String name = OURS + "/" + path.substring(0, path.length() - CLASS.length());
                files.put(name.replace('/', '.').replace('\\', '.'), Files.readAllBytes(file));
            }
        }
        return files;
    }

    private void check(Use use) {
        String owner = use.owner.replace('/', '.');
        if (dispensable.contains(owner)) {
            return;
        }
        try {
            Class<?> known = found.get(owner);
            if (known == null) {
                known = Class.forName(owner, false, loader);
                found.put(owner, known);
            }
            if (use.name != null && !has(known, use)) {
                missing.add(owner + "." + use.name + use.descriptor);
            }
        } catch (ClassNotFoundException | LinkageError e) {
            missing.add(owner);
        }
    }

    /** Whether a class, or one that it extends or implements, has a member. */
    private static boolean has(Class<?> owner, Use use) {
        if (declares(owner, use)) {
            return true;
        }
        Class<?> parent = owner.isInterface() ? Object.class : owner.getSuperclass();
        return parent != null && has(parent, use) || Stream.of(owner.getInterfaces()).anyMatch(of -> has(of, use));
    }

    private static boolean declares(Class<?> owner, Use use) {
        if (!use.descriptor.startsWith("(")) {
            return Stream.of(owner.getDeclaredFields()).filter(field -> field.getName().equals(use.name))
                .map(Field::getType).anyMatch(type -> type.descriptorString().equals(use.descriptor));
        }
        if (use.name.equals("<init>")) {
            return Stream.of(owner.getDeclaredConstructors()).map(Constructor::getParameterTypes)
                .anyMatch(types -> use.descriptor.equals(MethodType.methodType(void.class, types).toMethodDescriptorString()));
        }
        return Stream.of(owner.getDeclaredMethods()).filter(method -> method.getName().equals(use.name))
            .map(Linkage::descriptor).anyMatch(use.descriptor::equals);
    }

    private static String descriptor(Method method) {
        return MethodType.methodType(method.getReturnType(), method.getParameterTypes()).toMethodDescriptorString();
    }

    /** What a class file names of the engine's: its constant pool, as chapter 4.4 of the JVM's specification lays it out. */
    private List<Use> uses(byte[] file) throws IOException {
        try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(file))) {
            in.skipBytes(8);
            return new Pool(in).uses(theirs);
        }
    }

    /** The constants of one class file. */
    private static final class Pool {
        private final String[] texts;
        private final int[] tags;
        private final int[] firsts;
        private final int[] seconds;

        Pool(DataInputStream in) throws IOException {
            int count = in.readUnsignedShort();
            texts = new String[count];
            tags = new int[count];
            firsts = new int[count];
            seconds = new int[count];
            for (int i = 1; i < count; i++) {
                tags[i] = in.readUnsignedByte();
                switch (tags[i]) {
                    case 1 -> texts[i] = in.readUTF();
                    case 7, 8, 16, 19, 20 -> firsts[i] = in.readUnsignedShort();
                    case 9, 10, 11, 12, 17, 18 -> {
                        firsts[i] = in.readUnsignedShort();
                        seconds[i] = in.readUnsignedShort();
                    }
                    case 3, 4 -> in.readInt();
                    case 5, 6 -> {
                        in.readLong();
                        i++;
                    }
                    case 15 -> {
                        in.readUnsignedByte();
                        in.readUnsignedShort();
                    }
                    default -> throw new IOException("constant of an unknown kind: " + tags[i]);
                }
            }
        }

        List<Use> uses(String theirs) {
            List<Use> uses = new ArrayList<>();
            for (int i = 1; i < tags.length; i++) {
                if (tags[i] == 7 && texts[firsts[i]].startsWith(theirs)) {
                    uses.add(new Use(texts[firsts[i]], null, null));
                } else if (tags[i] >= 9 && tags[i] <= 11 && texts[firsts[firsts[i]]].startsWith(theirs)) {
                    int member = seconds[i];
                    uses.add(new Use(texts[firsts[firsts[i]]], texts[firsts[member]], texts[seconds[member]]));
                }
            }
            return uses;
        }
    }
}
