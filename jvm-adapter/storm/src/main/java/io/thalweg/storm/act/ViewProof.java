package io.thalweg.storm.act;

import io.thalweg.shell.Place;
import io.thalweg.shell.StepFailed;
import io.thalweg.shell.TaskRange;
import io.thalweg.shell.StepFailed.Code;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.storm.daemon.StormCommon;
import org.apache.storm.generated.Assignment;
import org.apache.storm.generated.NodeInfo;
import org.apache.storm.utils.Utils;

/** Reads a view the way Storm will, and refuses it unless slots and routes are exactly the desired ones. */
final class ViewProof {
    /** To the supervisor, into its store, and to its workers. */
    private static final int HOPS = 3;

    private final String node;
    private final Map<TaskRange, Place> slots;
    private final Map<TaskRange, Place> routing;

    ViewProof(String node, Map<TaskRange, Place> slots, Map<TaskRange, Place> routing) {
        this.node = node;
        this.slots = slots;
        this.routing = routing;
    }

    /** Checks the view after each hop of its journey. */
    void check(Assignment view) throws StepFailed {
        Assignment seen = view;
        for (int hop = 0; hop < HOPS; hop++) {
            seen = Utils.thriftDeserialize(Assignment.class, Utils.thriftSerialize(seen));
            checkSlots(seen);
            checkRoutes(seen);
        }
    }

    private void checkSlots(Assignment view) throws StepFailed {
        Map<TaskRange, Place> read = new TreeMap<>();
        for (Map.Entry<List<Long>, NodeInfo> entry : view.get_executor_node_port().entrySet()) {
            if (!entry.getValue().get_node().startsWith(node)) {
                continue;
            }
            List<Long> key = entry.getKey();
            if (key.size() != 2 || read.put(Names.range(key), Names.place(entry.getValue())) != null) {
                throw new StepFailed(Code.VIEW_NOT_EXPRESSIBLE, "node " + node + " would read " + key + " as an executor");
            }
        }
        if (!read.equals(slots)) {
            throw new StepFailed(Code.VIEW_NOT_EXPRESSIBLE, "node " + node + " would run " + read + " for " + slots);
        }
    }

    private void checkRoutes(Assignment view) throws StepFailed {
        Map<Integer, NodeInfo> read = StormCommon.taskToNodeport(view.get_executor_node_port());
        int tasks = 0;
        for (Map.Entry<TaskRange, Place> route : routing.entrySet()) {
            Place desired = route.getValue();
            for (int task = route.getKey().first(); task <= route.getKey().last(); task++, tasks++) {
                NodeInfo info = read.get(task);
                if (info == null || Names.place(info).port() != desired.port() || !reaches(info.get_node(), desired.node())) {
                    throw new StepFailed(Code.VIEW_NOT_EXPRESSIBLE, "node " + node + " would reach task " + task + " at " + info
                        + " for " + desired);
                }
                if (!view.get_node_host().containsKey(info.get_node())) {
                    throw new StepFailed(Code.VIEW_NOT_EXPRESSIBLE, "node " + node + " would not know the host of " + info);
                }
            }
        }
        if (read.size() != tasks) {
            throw new StepFailed(Code.VIEW_NOT_EXPRESSIBLE, "node " + node + " would know " + read.size() + " tasks of " + tasks);
        }
    }

    private static boolean reaches(String name, String desired) {
        return name.equals(desired) || name.equals(Views.alias(desired));
    }
}
