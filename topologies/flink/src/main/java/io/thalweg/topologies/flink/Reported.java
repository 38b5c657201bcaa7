package io.thalweg.topologies.flink;

import io.thalweg.topologies.Journal;
import io.thalweg.topologies.taxi.Demand;
import io.thalweg.topologies.taxi.Month;
import java.util.Optional;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.streaming.api.functions.windowing.ProcessWindowFunction;
import org.apache.flink.streaming.api.windowing.windows.TimeWindow;
import org.apache.flink.util.Collector;

/**
 * Names what a zone's window came to, and keeps it in a journal if it is given a folder: {@code demand-*} has lines
 * {@code <epoch ms> <zone>@<start>=<trips>:<cents>:<anomalies>,...}. A window that is done again after a failure has
 * the same line again.
 */
final class Reported extends ProcessWindowFunction<Demand, String, Integer, TimeWindow>
        implements CheckpointedFunction {
    private static final long serialVersionUID = 1;
    private static final long JOURNAL_MILLIS = 100;

    private final String out;
    private transient StringBuilder done;
    private transient Journal journal;

    /** A null {@code out} keeps no journal. */
    Reported(String out) {
        this.out = out;
    }

    @Override
    public void open(OpenContext context) {
        done = new StringBuilder();
        if (out != null) {
            var task = getRuntimeContext().getTaskInfo();
            journal = Journal.keep(out, "demand", task.getIndexOfThisSubtask() + "-" + task.getAttemptNumber(),
                    JOURNAL_MILLIS, this::line);
        }
    }

    @Override
    public void process(Integer zone, Context context, Iterable<Demand> demand, Collector<String> windows) {
        String line = Month.key(zone, context.window().getStart() / 1_000) + "=" + demand.iterator().next();
        windows.collect(line);
        synchronized (this) {
            done.append(done.isEmpty() ? "" : ",").append(line);
        }
    }

    /** What the checkpoint covers is done once, so it has to be written down before. */
    @Override
    public void snapshotState(FunctionSnapshotContext context) {
        if (journal != null) {
            journal.flush();
        }
    }

    @Override
    public void initializeState(FunctionInitializationContext context) {
        // journals are no state
    }

    @Override
    public void close() {
        if (journal != null) {
            journal.close();
        }
    }

    private synchronized Optional<String> line() {
        if (done.isEmpty()) {
            return Optional.empty();
        }
        String line = done.toString();
        done.setLength(0);
        return Optional.of(line);
    }
}
