package io.thalweg.flink.place;

import io.thalweg.shell.Place;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/**
 * The numbers of slots that jobs hold, each on its TaskManager. Jobs do not know of each other, but a slot is one slot in
 * the whole cluster, so no two have the same number. Safe from any thread.
 */
public final class SlotNumbers {
    private final Map<String, Set<Place>> byJob = new HashMap<>();

    /**
     * Numbers all slots that a job holds now, in this order: as desired, unless that is another slot's, else with the
     * least number that is free on the slot's node.
     *
     * @param <S> how the job names its slots
     * @param nodes the node of each slot
     * @param desired the places that some of them are to have
     */
    public synchronized <S> Map<S, Place> number(String job, LinkedHashMap<S, String> nodes, Map<S, Place> desired) {
        Set<Place> taken = new HashSet<>();
        byJob.forEach((other, places) -> taken.addAll(other.equals(job) ? Set.of() : places));
        Map<S, Place> numbered = new HashMap<>();
        nodes.forEach((slot, node) -> {
            Place place = desired.get(slot);
            if (place != null && place.node().equals(node) && taken.add(place)) {
                numbered.put(slot, place);
            }
        });
        nodes.forEach((slot, node) -> numbered.computeIfAbsent(slot, unnumbered -> {
            int port = 0;
            while (!taken.add(new Place(node, port))) {
                port++;
            }
            return new Place(node, port);
        }));
        byJob.put(job, Set.copyOf(numbered.values()));
        return numbered;
    }

    /** A job that has ended holds no slots. */
    public synchronized void forget(String job) {
        byJob.remove(job);
    }
}
