package org.apache.flink.runtime.scheduler.adaptive;

import io.thalweg.flink.PlacingSchedulerFactory;
import io.thalweg.flink.StockFactory;
import java.time.Duration;
import java.util.Collection;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;
import org.apache.flink.api.common.time.Time;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.JobManagerOptions;
import org.apache.flink.configuration.TaskManagerOptions.TaskManagerLoadBalanceMode;
import org.apache.flink.core.failure.FailureEnricher;
import org.apache.flink.runtime.blob.BlobWriter;
import org.apache.flink.runtime.blocklist.BlocklistOperations;
import org.apache.flink.runtime.checkpoint.CheckpointRecoveryFactory;
import org.apache.flink.runtime.concurrent.ComponentMainThreadExecutor;
import org.apache.flink.runtime.executiongraph.JobStatusListener;
import org.apache.flink.runtime.io.network.partition.JobMasterPartitionTracker;
import org.apache.flink.runtime.jobgraph.JobGraph;
import org.apache.flink.runtime.jobmaster.ExecutionDeploymentTracker;
import org.apache.flink.runtime.jobmaster.slotpool.DeclarativeSlotPool;
import org.apache.flink.runtime.jobmaster.slotpool.SlotPoolService;
import org.apache.flink.runtime.metrics.groups.JobManagerJobMetricGroup;
import org.apache.flink.runtime.rpc.FatalErrorHandler;
import org.apache.flink.runtime.scheduler.SchedulerNG;
import org.apache.flink.runtime.scheduler.SchedulerNGFactory;
import org.apache.flink.runtime.scheduler.adaptive.allocator.SlotSharingSlotAllocator;
import org.apache.flink.runtime.shuffle.ShuffleMaster;
import org.apache.flink.streaming.api.graph.ExecutionPlan;
import org.slf4j.Logger;

/**
 * Has the name of Flink's own factory, so that Flink finds it first in {@code lib/} and makes its adaptive schedulers
 * through it. All it does is done elsewhere: nothing that any line of Flink lacks may be needed to load this class.
 */
public class AdaptiveSchedulerFactory implements SchedulerNGFactory {
    private final Object[] former;

    /** From Flink 1.19 on all else is read from the configuration. */
    public AdaptiveSchedulerFactory() {
        former = new Object[0];
    }

    /** As Flink 1.18 makes it. */
    public AdaptiveSchedulerFactory(Duration initialResourceTimeout, Duration stabilizationTimeout) {
        former = new Object[] {initialResourceTimeout, stabilizationTimeout};
    }

    /** As in Flink's own class, for whoever calls it there. */
    public static SlotSharingSlotAllocator createSlotSharingSlotAllocator(
            DeclarativeSlotPool pool, boolean localRecovery, String target, boolean fewTaskManagers,
            TaskManagerLoadBalanceMode balance) {
        return SlotSharingSlotAllocator.createSlotSharingSlotAllocator(
                pool::reserveFreeSlot, pool::freeReservedSlot, pool::containsFreeSlot,
                localRecovery, target, fewTaskManagers, balance);
    }

    @Override
    public JobManagerOptions.SchedulerType getSchedulerType() {
        return JobManagerOptions.SchedulerType.Adaptive;
    }

    @Override
    public SchedulerNG createInstance(
            Logger log, ExecutionPlan plan, Executor ioExecutor, Configuration configuration,
            SlotPoolService slotPoolService, ScheduledExecutorService futureExecutor, ClassLoader userCodeLoader,
            CheckpointRecoveryFactory checkpointRecovery, Duration rpcTimeout, BlobWriter blobWriter,
            JobManagerJobMetricGroup metrics, Duration slotRequestTimeout, ShuffleMaster<?> shuffleMaster,
            JobMasterPartitionTracker partitionTracker, ExecutionDeploymentTracker deploymentTracker,
            long initializedAt, ComponentMainThreadExecutor mainThread, FatalErrorHandler fatalErrors,
            JobStatusListener statusListener, Collection<FailureEnricher> enrichers, BlocklistOperations blocklist)
            throws Exception {
        return new PlacingSchedulerFactory().createInstance(
                log, plan, ioExecutor, configuration, slotPoolService, futureExecutor, userCodeLoader,
                checkpointRecovery, rpcTimeout, blobWriter, metrics, slotRequestTimeout, shuffleMaster,
                partitionTracker, deploymentTracker, initializedAt, mainThread, fatalErrors, statusListener, enrichers,
                blocklist);
    }

    /**
     * What Flink 1.18 to 1.20 call instead: without it, no job would start there while the jar lies in {@code lib/}. Thalweg
     * leads these lines from beside only, so Flink's own factory makes the scheduler.
     */
    public SchedulerNG createInstance(
            Logger log, JobGraph graph, Executor ioExecutor, Configuration configuration, SlotPoolService slotPoolService,
            ScheduledExecutorService futureExecutor, ClassLoader userCodeLoader,
            CheckpointRecoveryFactory checkpointRecovery, Time rpcTimeout, BlobWriter blobWriter,
            JobManagerJobMetricGroup metrics, Time slotRequestTimeout, ShuffleMaster<?> shuffleMaster,
            JobMasterPartitionTracker partitionTracker, ExecutionDeploymentTracker deploymentTracker,
            long initializedAt, ComponentMainThreadExecutor mainThread, FatalErrorHandler fatalErrors,
            JobStatusListener statusListener, Collection<FailureEnricher> enrichers, BlocklistOperations blocklist)
            throws Exception {
        return StockFactory.createInstance(former, log, graph, ioExecutor, configuration, slotPoolService, futureExecutor,
                userCodeLoader, checkpointRecovery, rpcTimeout, blobWriter, metrics, slotRequestTimeout, shuffleMaster,
                partitionTracker, deploymentTracker, initializedAt, mainThread, fatalErrors, statusListener, enrichers,
                blocklist);
    }
}
