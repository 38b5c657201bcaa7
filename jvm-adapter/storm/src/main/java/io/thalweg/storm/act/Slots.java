package io.thalweg.storm.act;

import io.thalweg.shell.Place;
import io.thalweg.shell.TaskRange;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.storm.generated.Assignment;

/** A placement of one topology, read both ways: executor to slot, and slot to executors. */
record Slots(Map<TaskRange, Place> places, Map<Place, Set<TaskRange>> executors) {
    /** The placement with these rows. */
    static Slots of(Map<TaskRange, Place> placement) {
        Map<Place, Set<TaskRange>> executors = new TreeMap<>();
        placement.forEach((range, place) -> executors.computeIfAbsent(place, p -> new TreeSet<>()).add(range));
        return new Slots(new TreeMap<>(placement), executors);
    }

    /** The placement that an assignment of Nimbus holds. */
    static Slots of(Assignment assignment) {
        Map<TaskRange, Place> placement = new TreeMap<>();
        assignment.get_executor_node_port().forEach((id, info) -> placement.put(Names.range(id), Names.place(info)));
        return of(placement);
    }

    /** The slots of this placement that the other lacks, or fills with other executors. */
    Map<Place, Set<TaskRange>> without(Slots other) {
        Map<Place, Set<TaskRange>> rest = new TreeMap<>(executors);
        rest.entrySet().removeIf(slot -> slot.getValue().equals(other.executors.get(slot.getKey())));
        return rest;
    }
}
