package io.thalweg.topologies.flink;

import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;

/** A function with a journal: what a checkpoint covers is done once, so it is written down before. */
interface Journaled extends CheckpointedFunction {
    /** Writes down what was done by now. */
    void flush();

    @Override
    default void snapshotState(FunctionSnapshotContext context) {
        flush();
    }

    @Override
    default void initializeState(FunctionInitializationContext context) {
        // journals are no state
    }
}
