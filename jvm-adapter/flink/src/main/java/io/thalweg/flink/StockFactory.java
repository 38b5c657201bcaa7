package io.thalweg.flink;

import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.util.Collections;
import org.apache.flink.runtime.scheduler.SchedulerNGFactory;

/**
 * Flink's own factory of adaptive schedulers, which our class of the same name hides.
 *
 * <p>Its bytes are found behind ours on the class path and defined by a class loader of their own. It uses public
 * classes only, so it does not mind.
 */
final class StockFactory {
    private static final String NAME = "org.apache.flink.runtime.scheduler.adaptive.AdaptiveSchedulerFactory";
    private static final String RESOURCE = NAME.replace('.', '/') + ".class";

    private StockFactory() {}

    /** Makes it. */
    static SchedulerNGFactory make() throws ReflectiveOperationException, IOException {
        ClassLoader visible = StockFactory.class.getClassLoader();
        byte[] code = hidden(visible);
        Class<?> stock = new ClassLoader(visible) {
            Class<?> define() {
                return defineClass(NAME, code, 0, code.length);
            }
        }.define();
        return (SchedulerNGFactory) stock.getDeclaredConstructor().newInstance();
    }

    private static byte[] hidden(ClassLoader visible) throws IOException {
        String path = StockFactory.class.getName().replace('.', '/') + ".class";
        String own = root(visible.getResource(path), path);
        for (URL found : Collections.list(visible.getResources(RESOURCE))) {
            if (!root(found, RESOURCE).equals(own)) {
                try (InputStream code = found.openStream()) {
                    return code.readAllBytes();
                }
            }
        }
        throw new IOException("no " + RESOURCE + " besides Thalweg's on the class path");
    }

    /** The jar or folder that a class was found in, whatever the folders above it are called. */
    static String root(URL found, String path) {
        String text = found.toString();
        return text.substring(0, text.length() - path.length());
    }
}
