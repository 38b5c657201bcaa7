package io.thalweg.flink;

import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.net.URL;
import java.util.Collections;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.apache.flink.runtime.scheduler.SchedulerNG;
import org.apache.flink.runtime.scheduler.SchedulerNGFactory;
import org.apache.flink.runtime.util.EnvironmentInformation;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Flink's own factory of adaptive schedulers, which our class of the same name hides.
 *
 * <p>Its bytes are found behind ours on the class path and defined by a class loader of their own. It uses public
 * classes only, so it does not mind.
 */
public final class StockFactory {
    private static final Logger LOG = LoggerFactory.getLogger(StockFactory.class);
    private static final AtomicBoolean TOLD = new AtomicBoolean();
    private static final String NAME = "org.apache.flink.runtime.scheduler.adaptive.AdaptiveSchedulerFactory";
    private static final String RESOURCE = NAME.replace('.', '/') + ".class";

    private StockFactory() {}

    /** Makes it, of what its constructor takes. */
    static SchedulerNGFactory make(Object... of) throws ReflectiveOperationException, IOException {
        ClassLoader visible = StockFactory.class.getClassLoader();
        byte[] code = hidden(visible);
        Class<?> stock = new ClassLoader(visible) {
            Class<?> define() {
                return defineClass(NAME, code, 0, code.length);
            }
        }.define();
        Class<?>[] kinds = Stream.of(of).map(Object::getClass).toArray(Class<?>[]::new);
        return (SchedulerNGFactory) stock.getDeclaredConstructor(kinds).newInstance(of);
    }

    /**
     * Has it make a scheduler from whatever Flink hands it, where that is not what our own factory takes.
     *
     * @param of what it is made of itself
     */
    public static SchedulerNG createInstance(Object[] of, Object... arguments) throws Exception {
        if (!TOLD.getAndSet(true)) {
            LOG.warn("Thalweg does not run in this Flink, {}: its own adaptive scheduler runs alone. Thalweg can lead it from "
                    + "beside, and its jar can be taken out of lib/", EnvironmentInformation.getVersion());
        }
        SchedulerNGFactory stock = make(of);
        for (Method method : stock.getClass().getMethods()) {
            if (method.getName().equals("createInstance") && method.getParameterCount() == arguments.length) {
                try {
                    return (SchedulerNG) method.invoke(stock, arguments);
                } catch (InvocationTargetException e) {
                    throw e.getCause() instanceof Exception cause ? cause : e;
                }
            }
        }
        throw new NoSuchMethodException(NAME + ".createInstance");
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
