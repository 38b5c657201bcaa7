package io.thalweg.flink;

import io.thalweg.flink.Jobs.Submission;
import io.thalweg.flink.place.PlacingSlotAllocator;
import io.thalweg.shell.Visible;
import java.io.IOException;
import java.time.Duration;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.Executor;
import java.util.concurrent.ScheduledExecutorService;
import java.util.function.BiFunction;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.DeploymentOptions;
import org.apache.flink.configuration.JobManagerOptions;
import org.apache.flink.configuration.StateRecoveryOptions;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.core.failure.FailureEnricher;
import org.apache.flink.runtime.blob.BlobWriter;
import org.apache.flink.runtime.blocklist.BlocklistOperations;
import org.apache.flink.runtime.checkpoint.CheckpointRecoveryFactory;
import org.apache.flink.runtime.checkpoint.CheckpointsCleaner;
import org.apache.flink.runtime.clusterframework.types.AllocationID;
import org.apache.flink.runtime.clusterframework.types.ResourceProfile;
import org.apache.flink.runtime.concurrent.ComponentMainThreadExecutor;
import org.apache.flink.runtime.executiongraph.JobStatusListener;
import org.apache.flink.runtime.executiongraph.failover.RestartBackoffTimeStrategyFactoryLoader;
import org.apache.flink.runtime.io.network.partition.JobMasterPartitionTracker;
import org.apache.flink.runtime.jobgraph.JobGraph;
import org.apache.flink.runtime.jobgraph.JobResourceRequirements;
import org.apache.flink.runtime.jobgraph.JobVertex;
import org.apache.flink.runtime.jobmaster.ExecutionDeploymentTracker;
import org.apache.flink.runtime.jobmaster.slotpool.DeclarativeSlotPool;
import org.apache.flink.runtime.jobmaster.slotpool.PhysicalSlot;
import org.apache.flink.runtime.jobmaster.slotpool.SlotPoolService;
import org.apache.flink.runtime.metrics.groups.JobManagerJobMetricGroup;
import org.apache.flink.runtime.rpc.FatalErrorHandler;
import org.apache.flink.runtime.scheduler.DefaultExecutionGraphFactory;
import org.apache.flink.runtime.scheduler.SchedulerNG;
import org.apache.flink.runtime.scheduler.SchedulerNGFactory;
import org.apache.flink.runtime.scheduler.adaptive.AdaptiveScheduler;
import org.apache.flink.runtime.scheduler.adaptive.allocator.SlotAllocator;
import org.apache.flink.runtime.scheduler.adaptive.allocator.SlotSharingSlotAllocator;
import org.apache.flink.runtime.shuffle.ShuffleMaster;
import org.apache.flink.streaming.api.graph.ExecutionPlan;
import org.apache.flink.streaming.api.graph.StreamGraph;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes Flink's adaptive scheduler with a slot allocator that honours migration tables. Where that cannot be, Flink's
 * own factory makes the scheduler, and the log says why.
 */
public class PlacingSchedulerFactory implements SchedulerNGFactory {
    private static final Logger LOG = LoggerFactory.getLogger(PlacingSchedulerFactory.class);

    @Override
    public SchedulerNG createInstance(
            Logger log, ExecutionPlan executionPlan, Executor ioExecutor, Configuration configuration,
            SlotPoolService slotPoolService, ScheduledExecutorService futureExecutor, ClassLoader userCodeLoader,
            CheckpointRecoveryFactory checkpointRecovery, Duration rpcTimeout, BlobWriter blobWriter,
            JobManagerJobMetricGroup metrics, Duration slotRequestTimeout, ShuffleMaster<?> shuffleMaster,
            JobMasterPartitionTracker partitionTracker, ExecutionDeploymentTracker deploymentTracker,
            long initializedAt, ComponentMainThreadExecutor mainThread, FatalErrorHandler fatalErrors,
            JobStatusListener statusListener, Collection<FailureEnricher> enrichers, BlocklistOperations blocklist)
            throws Exception {
        Thalweg thalweg = Thalweg.of(configuration);
        if (thalweg != null && thalweg.settings().level() == 2) {
            try {
                JobGraph graph = executionPlan instanceof JobGraph g
                        ? g : ((StreamGraph) executionPlan).getJobGraph(userCodeLoader);
                DeclarativeSlotPool pool = slotPoolService.castInto(DeclarativeSlotPool.class)
                        .orElseThrow(() -> new IllegalStateException("the slot pool is not declarative"));
                PlacingSlotAllocator allocator = new PlacingSlotAllocator(
                        reserve -> stockAllocator(reserve, pool, configuration), pool, graph.getJobID().toString(),
                        thalweg.numbers());
                Returning.places(thalweg, graph).ifPresent(allocator::restore);
                AdaptiveScheduler scheduler = new AdaptiveScheduler(
                        AdaptiveScheduler.Settings.of(configuration, graph.getCheckpointingSettings()), graph,
                        JobResourceRequirements.readFromExecutionPlan(graph).orElse(null), configuration, pool,
                        allocator, ioExecutor, userCodeLoader, new CheckpointsCleaner(), checkpointRecovery, metrics,
                        RestartBackoffTimeStrategyFactoryLoader.createRestartBackoffTimeStrategyFactory(
                                graph.getJobConfiguration(), configuration, graph.isCheckpointingEnabled()).create(),
                        initializedAt, mainThread, fatalErrors, statusListener, enrichers,
                        new DefaultExecutionGraphFactory(configuration, userCodeLoader, deploymentTracker,
                                futureExecutor, ioExecutor, rpcTimeout, metrics, blobWriter, shuffleMaster,
                                partitionTracker));
                guarded(graph.getName(), () -> thalweg.take(
                        new Job(graph, scheduler, mainThread, pool, allocator), submission(graph), metrics));
                return scheduler;
            } catch (LinkageError | Exception e) {
                LOG.error("Flink's own adaptive scheduler runs {}: this Flink is not one that Thalweg knows",
                        executionPlan.getName(), e);
            }
        }
        SchedulerNG stock = StockFactory.make().createInstance(
                log, executionPlan, ioExecutor, configuration, slotPoolService, futureExecutor, userCodeLoader,
                checkpointRecovery, rpcTimeout, blobWriter, metrics, slotRequestTimeout, shuffleMaster,
                partitionTracker, deploymentTracker, initializedAt, mainThread, fatalErrors, statusListener, enrichers,
                blocklist);
        if (thalweg != null) {
            guarded(executionPlan.getName(),
                    () -> thalweg.watch(executionPlan.getJobID(), submission(executionPlan), stock, metrics));
        }
        return stock;
    }

    /** A scheduler is made: whatever else of ours fails must not fail its job. */
    private static void guarded(String job, Runnable ours) {
        try {
            ours.run();
        } catch (LinkageError | RuntimeException e) {
            LOG.error("job {} runs, and Thalweg knows nothing of it", job, e);
        }
    }

    /** What the user submitted, as far as it can be told. */
    private static Submission submission(ExecutionPlan plan) {
        try {
            Map<String, Integer> parallelism = new HashMap<>();
            if (plan instanceof JobGraph graph) {
                for (JobVertex vertex : graph.getVertices()) {
                    if (vertex.getParallelism() > 0) {
                        parallelism.put(vertex.getID().toHexString(), vertex.getParallelism());
                    }
                }
            }
            return new Submission(parallelism, JobResourceRequirements.readFromExecutionPlan(plan).isEmpty());
        } catch (IOException | RuntimeException | LinkageError e) {
            LOG.warn("how job {} was submitted is not known", Visible.text(plan.getName()), e);
            return new Submission(Map.of(), false);
        }
    }

    @Override
    public JobManagerOptions.SchedulerType getSchedulerType() {
        return JobManagerOptions.SchedulerType.Adaptive;
    }

    private static SlotAllocator stockAllocator(BiFunction<AllocationID, ResourceProfile, PhysicalSlot> reserve,
            DeclarativeSlotPool pool, Configuration configuration) {
        return SlotSharingSlotAllocator.createSlotSharingSlotAllocator(
                reserve::apply, pool::freeReservedSlot, pool::containsFreeSlot,
                configuration.get(StateRecoveryOptions.LOCAL_RECOVERY), configuration.get(DeploymentOptions.TARGET),
                configuration.get(JobManagerOptions.SCHEDULER_PREFER_MINIMAL_TASKMANAGERS_ENABLED),
                configuration.get(TaskManagerOptions.TASK_MANAGER_LOAD_BALANCE_MODE));
    }
}
