package io.thalweg.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.security.ProtectionDomain;
import java.util.Set;
import org.junit.jupiter.api.Test;

class LinkageTest {
    private static final String HIDDEN = "org.apache.flink.runtime.scheduler.adaptive.JobSchedulingPlan";

    /** As on a Flink without one class: our classes are loaded anew, and find no such class. */
    private static final class Hiding extends ClassLoader {
        Hiding() {
            super(LinkageTest.class.getClassLoader());
        }

        @Override
        protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
            if (name.equals(HIDDEN)) {
                throw new ClassNotFoundException(name);
            }
            if (!name.startsWith("io.thalweg.flink.") || name.contains("Test")) {
                return super.loadClass(name, resolve);
            }
            synchronized (getClassLoadingLock(name)) {
                Class<?> loaded = findLoadedClass(name);
                return loaded != null ? loaded : define(name);
            }
        }

        private Class<?> define(String name) throws ClassNotFoundException {
            try (InputStream in = getParent().getResourceAsStream(name.replace('.', '/') + ".class")) {
                byte[] bytes = in.readAllBytes();
                ProtectionDomain ours = new ProtectionDomain(Thalweg.class.getProtectionDomain().getCodeSource(), null);
                return defineClass(name, bytes, 0, bytes.length, ours);
            } catch (IOException e) {
                throw new ClassNotFoundException(name, e);
            }
        }
    }

    @Test
    void theFlinkThatItIsBuiltForLacksNothingAndWantsNothingMore() throws Exception {
        assertEquals(Set.of(), Thalweg.linkage().missing(Thalweg.class));
    }

    @Test
    void aClassThatIsNotThereIsNamed() throws Exception {
        Class<?> ours = new Hiding().loadClass(Thalweg.class.getName());
        assertEquals(Set.of(HIDDEN), Thalweg.linkage().missing(ours));
        Error error = assertThrows(IncompatibleClassChangeError.class, () -> Thalweg.linkage().require(ours));
        assertTrue(error.getMessage().contains(HIDDEN), error.getMessage());
    }
}
