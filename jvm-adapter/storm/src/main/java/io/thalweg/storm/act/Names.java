package io.thalweg.storm.act;

import io.thalweg.shell.Place;
import io.thalweg.shell.TaskRange;
import java.util.List;
import java.util.Set;
import org.apache.storm.generated.NodeInfo;

/** Executors and slots in the words of Storm's assignments. */
final class Names {
    private Names() {}

    /** The range of an executor id; elements after the second are none of Storm's business. */
    static TaskRange range(List<Long> executorId) {
        return new TaskRange(executorId.get(0).intValue(), executorId.get(1).intValue());
    }

    /** The executor id that Storm gives this range. */
    static List<Long> id(TaskRange range) {
        return List.of((long) range.first(), (long) range.last());
    }

    /** The place an assignment names. */
    static Place place(NodeInfo info) {
        return new Place(info.get_node(), info.get_port().iterator().next().intValue());
    }

    /** The same in the words of an assignment. */
    static NodeInfo info(Place place) {
        return new NodeInfo(place.node(), Set.of((long) place.port()));
    }
}
