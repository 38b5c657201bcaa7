package io.thalweg.storm.act;

import io.thalweg.shell.Place;
import io.thalweg.shell.StepFailed;
import io.thalweg.shell.TaskRange;
import io.thalweg.shell.StepFailed.Code;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.storm.generated.NodeInfo;

/**
 * The keys of a view, arranged so that of two keys for one task the desired one is iterated last.
 *
 * <p>The order is that of {@link HashOrder}. A key that only routes may end in any number, so that number is chosen
 * to put the key into a later bucket than its rivals. Where no later bucket is left, the table is made larger by
 * keys of no tasks at all.
 */
final class KeyTable {
    /** Tails tried for each bucket there is. */
    private static final int TAILS_PER_BUCKET = 16;

    /** How often the table is doubled before the view is given up. */
    private static final int DOUBLINGS = 4;

    private final String node;
    private final Map<TaskRange, Place> plain;
    private final Set<TaskRange> slots;

    /**
     * Starts from the keys that nobody contests.
     *
     * @param node whose view this is
     * @param plain keys as Storm itself would write them
     * @param slots those of them that slots of the node read
     */
    KeyTable(String node, Map<TaskRange, Place> plain, Set<TaskRange> slots) {
        this.node = node;
        this.plain = plain;
        this.slots = slots;
    }

    /** All keys, with those that win over what the node's slots run. */
    Map<List<Long>, NodeInfo> with(Map<TaskRange, Place> contested) throws StepFailed {
        int entries = plain.size() + contested.size();
        int smallest = contested.isEmpty() ? 1 : Math.max(HashOrder.STABLE_CAPACITY, HashOrder.capacity(entries));
        for (int capacity = smallest; capacity <= smallest << DOUBLINGS; capacity *= 2) {
            Map<List<Long>, NodeInfo> keys = arrange(contested, HashOrder.fewest(capacity));
            if (keys != null) {
                return keys;
            }
        }
        throw new StepFailed(Code.VIEW_NOT_EXPRESSIBLE, "no order of keys routes " + contested.size()
            + " executors past the slots of " + node);
    }

    /** The keys, filled up to so many; null if one finds no bucket behind its rivals. */
    private Map<List<Long>, NodeInfo> arrange(Map<TaskRange, Place> contested, int fewest) {
        int capacity = HashOrder.capacity(Math.max(fewest, plain.size() + contested.size()));
        Map<List<Long>, NodeInfo> keys = new LinkedHashMap<>();
        plain.forEach((range, place) -> keys.put(Names.id(range), Names.info(place)));
        for (Map.Entry<TaskRange, Place> entry : contested.entrySet()) {
            List<Long> key = behind(entry.getKey(), capacity);
            if (key == null) {
                return null;
            }
            Place place = entry.getValue();
            keys.put(key, Names.info(new Place(place.node().equals(node) ? Views.alias(node) : place.node(), place.port())));
        }
        for (long filler = 0; keys.size() < fewest; filler++) {
            keys.put(List.of(0L, -1L, filler), Names.info(new Place(Views.alias(node), 0)));
        }
        return keys;
    }

    /** A key of this range in a bucket after all its rivals. */
    private List<Long> behind(TaskRange range, int capacity) {
        int last = slots.stream().filter(range::overlaps).mapToInt(rival -> HashOrder.bucket(Names.id(rival), capacity)).max().orElse(-1);
        for (long tail = 0; tail < (long) TAILS_PER_BUCKET * capacity; tail++) {
            List<Long> key = List.of((long) range.first(), (long) range.last(), tail);
            if (HashOrder.bucket(key, capacity) > last) {
                return key;
            }
        }
        return null;
    }
}
