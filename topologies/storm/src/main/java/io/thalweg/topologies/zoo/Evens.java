package io.thalweg.topologies.zoo;

import java.util.List;
import org.apache.storm.generated.GlobalStreamId;
import org.apache.storm.grouping.CustomStreamGrouping;
import org.apache.storm.task.WorkerTopologyContext;

/** A grouping of a user's own: by the number of a tuple. */
final class Evens implements CustomStreamGrouping {
    private static final long serialVersionUID = 1;

    private List<Integer> tasks;

    @Override
    public void prepare(WorkerTopologyContext context, GlobalStreamId stream, List<Integer> targets) {
        tasks = targets;
    }

    @Override
    public List<Integer> chooseTasks(int task, List<Object> values) {
        long number = (Long) values.get(1);
        return List.of(tasks.get((int) (number % tasks.size())));
    }
}
