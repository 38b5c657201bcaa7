package io.thalweg.flink.place;

import io.thalweg.shell.Place;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Assigns slots to groups of subtasks: each gets one of the node that it asks for or, where that has none left, any.
 *
 * @param <G> a group of subtasks that share a slot
 * @param <S> a slot
 */
final class SlotAssigner<G, S> {
    /** The outcome: a slot for each group, and the groups that did not get their node. */
    record Outcome<G, S>(Map<G, S> slots, List<G> elsewhere) { }

    private final Map<String, Deque<S>> free = new TreeMap<>();
    private final Map<G, Place> groups = new LinkedHashMap<>();

    /** Adds a slot of a node. */
    void slot(String node, S slot) {
        free.computeIfAbsent(node, n -> new ArrayDeque<>()).add(slot);
    }

    /** Adds a group; without a desired place it takes what is left. */
    void group(G group, Place desired) {
        groups.put(group, desired);
    }

    /** Whether there are fewer slots than groups. */
    boolean lacks() {
        return free.values().stream().mapToInt(Collection::size).sum() < groups.size();
    }

    /** Assigns; null when there are fewer slots than groups. */
    Outcome<G, S> assign() {
        if (lacks()) {
            return null;
        }
        Map<G, S> assigned = new HashMap<>();
        List<G> elsewhere = new ArrayList<>();
        List<G> rest = new ArrayList<>();
        groups.forEach((group, desired) -> {
            Deque<S> there = desired == null ? null : free.get(desired.node());
            if (there != null && !there.isEmpty()) {
                assigned.put(group, there.poll());
                return;
            }
            rest.add(group);
            if (desired != null) {
                elsewhere.add(group);
            }
        });
        for (G group : rest) {
            // The node with most slots left, so that groups without a desired place spread.
            Deque<S> most = free.values().stream().max(Comparator.comparingInt(Deque::size)).orElseThrow();
            assigned.put(group, most.poll());
        }
        return new Outcome<>(assigned, elsewhere);
    }
}
