package io.thalweg.topologies.flink;

import io.thalweg.topologies.Work;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/** Counts each word in keyed state, and keeps a {@link CountJournal} if it is given a folder. */
final class Count extends KeyedProcessFunction<String, String, Void> implements CheckpointedFunction, Journaled {
    private static final long serialVersionUID = 1;

    private final Work work;
    private final String out;
    private transient ValueState<Long> counted;
    private transient CountJournal journal;

    /** A null {@code out} keeps no journal. */
    Count(Work work, String out) {
        this.work = work;
        this.out = out;
    }

    /** As every line of Flink begins: what they hand to {@code open} differs. */
    @Override
    public void initializeState(FunctionInitializationContext context) {
        counted = context.getKeyedStateStore().getState(new ValueStateDescriptor<>("counted", Types.LONG));
        if (out != null) {
            var task = getRuntimeContext().getTaskInfo();
            journal = new CountJournal(out, task.getIndexOfThisSubtask() + "-" + task.getAttemptNumber());
        }
    }

    @Override
    public void snapshotState(FunctionSnapshotContext context) {
        // Keyed state is all there is.
    }

    @Override
    public void processElement(String word, Context context, Collector<Void> none) throws Exception {
        work.burn();
        Long before = counted.value();
        long count = before == null ? 1 : before + 1;
        counted.update(count);
        if (journal != null) {
            journal.counted(word, count, context.timestamp());
        }
    }

    @Override
    public void flush() {
        if (journal != null) {
            journal.flush();
        }
    }

    @Override
    public void close() {
        if (journal != null) {
            journal.close();
        }
    }
}
