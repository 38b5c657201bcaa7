package io.thalweg.flink.measure;

import io.thalweg.shell.Place;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;

/**
 * Numbers the slots of TaskManagers: each slot has one number in the whole cluster, whichever job holds it.
 *
 * <p>The slot allocator knows the slots of the jobs that it places. REST does not tell slots apart, so subtasks of other
 * jobs are taken to fill one slot after the other, each of which keeps a number that no other slot of its node has.
 */
final class Ports {
    /** The slot of a job that holds the subtasks of this rank, of one slot sharing group, on a node. */
    private record Share(String job, String node, String group, int rank) {
        /** All slots of the group on the node. */
        private static String all(String job, String node, String group) {
            return String.join(" ", job, node, group);
        }
    }

    private Map<Share, Place> shares = new HashMap<>();

    /**
     * The place of every subtask, by job, vertex and index.
     *
     * @param beyond where subtasks run as the slot allocator tells, if it does
     */
    Map<String, Place> of(List<JobView> jobs, Known beyond) {
        Map<String, Place> places = new HashMap<>();
        Map<String, Share> others = new HashMap<>();
        Map<String, SortedSet<Place>> held = new HashMap<>();
        for (JobView job : jobs) {
            Map<String, Integer> ranks = new HashMap<>();
            for (Vertex vertex : job.vertices()) {
                for (Task task : vertex.tasks()) {
                    Place place = task.node() == null ? null : beyond.place(job.id(), vertex.id(), task.index());
                    String key = key(job, vertex, task);
                    if (place != null && place.node().equals(task.node())) {
                        places.put(key, place);
                        held.computeIfAbsent(Share.all(job.id(), task.node(), vertex.slotGroup()), all -> new TreeSet<>())
                                .add(place);
                    } else if (task.node() != null) {
                        int rank = ranks.merge(vertex.id() + " " + task.node(), 1, Integer::sum) - 1;
                        others.put(key, new Share(job.id(), task.node(), vertex.slotGroup(), rank));
                    }
                }
            }
        }
        // What the allocator does not know of a job is beside what it knows, as far as that reaches.
        Map<Share, Place> numbered = new HashMap<>();
        List<Share> rest = new ArrayList<>();
        for (Share share : new HashSet<>(others.values())) {
            Set<Place> known = held.getOrDefault(Share.all(share.job, share.node, share.group),
                    Collections.emptySortedSet());
            known.stream().skip(share.rank).findFirst().ifPresentOrElse(
                    place -> numbered.put(share, place), () -> rest.add(share));
        }
        number(rest, new HashSet<>(places.values()), numbered);
        others.forEach((key, share) -> places.put(key, shares.get(share)));
        return places;
    }

    /** How a subtask is named among all. */
    static String key(JobView job, Vertex vertex, Task task) {
        return job.id() + " " + vertex.id() + " " + task.index();
    }

    /** Gives each share the number that it had, or the least that is free. */
    private void number(List<Share> found, Set<Place> taken, Map<Share, Place> numbered) {
        for (Share share : found) {
            Place before = shares.get(share);
            if (before != null && taken.add(before)) {
                numbered.put(share, before);
            }
        }
        found.sort(Comparator.comparing(Share::job).thenComparing(Share::node).thenComparing(Share::rank)
                .thenComparing(Share::group));
        for (Share share : found) {
            if (!numbered.containsKey(share)) {
                int port = 0;
                while (!taken.add(new Place(share.node, port))) {
                    port++;
                }
                numbered.put(share, new Place(share.node, port));
            }
        }
        shares = numbered;
    }

    /** Where subtasks run, as far as it is known better than REST tells. */
    @FunctionalInterface
    interface Known {
        /** The place of a subtask, or null. */
        Place place(String job, String vertex, int subtask);
    }
}
