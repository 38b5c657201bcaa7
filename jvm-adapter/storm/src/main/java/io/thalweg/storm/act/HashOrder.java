package io.thalweg.storm.act;

import java.util.List;

/**
 * The order in which a {@code HashMap} that came out of Thrift iterates: by bucket. Thrift asks for twice as many
 * places as there are entries, so such a map does not grow for its size; one of fewer than 64 buckets may grow when
 * many keys fall into one, as the keys of executors with one task each do. Within a bucket no order is promised.
 */
final class HashOrder {
    /** From this many buckets on, a crowded bucket does not make the table grow. */
    static final int STABLE_CAPACITY = 64;

    private HashOrder() { }

    /** The fewest entries that get this many buckets. */
    static int fewest(int capacity) {
        return capacity / 4 + 1;
    }

    /** The number of buckets for this many entries: the power of two that holds twice as many. */
    static int capacity(int entries) {
        int wanted = Math.max(1, 2 * entries);
        return wanted == 1 ? 1 : Integer.highestOneBit(wanted - 1) << 1;
    }

    /** The bucket of a key; as {@code HashMap} does, the high half of the hash is folded into the low one. */
    static int bucket(List<Long> key, int capacity) {
        int hash = key.hashCode();
        return (hash ^ (hash >>> 16)) & (capacity - 1);
    }
}
