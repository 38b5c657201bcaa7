package io.thalweg.storm.act;

import java.util.List;

/**
 * The order in which a {@code HashMap} that came out of Thrift iterates: by bucket, and within one bucket in the
 * order of insertion. Thrift asks for twice as many places as there are entries, so such a map never grows.
 */
final class HashOrder {
    private HashOrder() { }

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
