package io.thalweg.storm;

import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.apache.storm.generated.Bolt;
import org.apache.storm.generated.ComponentObject;

/**
 * What a bolt's task is besides a share of its tuples. Nimbus has no class of a topology, so this is read from the names of
 * classes in the serialised bolt: Storm wraps what has a state, a window or batches into classes of its own.
 */
final class TaskMeaning {
    /** In a serialised object, a class is described by this byte, the length of its name in two bytes, and its name. */
    private static final char CLASS = 'r';
    private static final int BEFORE_NAME = 3;

    /** How names of classes begin that tell, and what a task of such a bolt is. */
    private static final Map<String, String> TOLD_BY = new LinkedHashMap<>();

    static {
        TOLD_BY.put("org.apache.storm.task.ShellBolt", "a process");
        TOLD_BY.put("org.apache.storm.trident.", "a partition of Trident's");
        TOLD_BY.put("org.apache.storm.topology.StatefulBoltExecutor", "a state");
        TOLD_BY.put("org.apache.storm.topology.PersistentWindowedBoltExecutor", "a window");
        TOLD_BY.put("org.apache.storm.topology.StatefulWindowedBoltExecutor", "a window");
        TOLD_BY.put("org.apache.storm.topology.WindowedBoltExecutor", "a window");
    }

    private TaskMeaning() { }

    /** What each task of a bolt is, where more tasks would be more of that; empty where they only share the tuples. */
    static Optional<String> of(Bolt bolt) {
        ComponentObject object = bolt.get_bolt_object();
        if (object.is_set_shell()) {
            return Optional.of("a process");
        }
        if (!object.is_set_serialized_java()) {
            return Optional.empty();
        }
        String bytes = new String(object.get_serialized_java(), StandardCharsets.ISO_8859_1);
        return TOLD_BY.entrySet().stream().filter(told -> describes(bytes, told.getKey())).map(Map.Entry::getValue).findFirst();
    }

    private static boolean describes(String bytes, String name) {
        for (int at = bytes.indexOf(name); at >= 0; at = bytes.indexOf(name, at + 1)) {
            if (at >= BEFORE_NAME && bytes.charAt(at - BEFORE_NAME) == CLASS) {
                return true;
            }
        }
        return false;
    }
}
