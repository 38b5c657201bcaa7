package io.thalweg.flink;

import io.thalweg.flink.measure.NodeView;
import io.thalweg.flink.place.PlacingSlotAllocator;
import io.thalweg.shell.Threads;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.LinkedBlockingQueue;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Gets jobs that come back under this JobManager the slots in which they ran under another.
 *
 * <p>Which TaskManager a slot comes from is the ResourceManager's choice. So where slots cannot be asked for by name, a job
 * asks for all that are free, and gives back what it does not need once it runs. One job at a time does: two would take
 * each other's slots.
 */
final class Restorer implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Restorer.class);
    private static final long LOOK_MILLIS = 100;

    private final Callable<List<NodeView>> nodes;
    private final BlockingQueue<PlacedJob> coming = new LinkedBlockingQueue<>();
    private final List<PlacedJob> jobs = new ArrayList<>();
    private final Thread thread = Threads.of("thalweg-restorer", this::work);
    /** The job that has asked for more than it needs. */
    private PlacedJob turn;

    /** @param nodes the TaskManagers as they are at this moment */
    Restorer(Callable<List<NodeView>> nodes) {
        this.nodes = nodes;
    }

    /** Begins. */
    void start() {
        thread.start();
    }

    /** A job that comes back, before its first start. */
    void add(PlacedJob job) {
        coming.add(job);
    }

    @Override
    public void close() {
        Threads.stop(thread);
    }

    private void work() {
        try {
            while (true) {
                if (jobs.isEmpty()) {
                    jobs.add(coming.take());
                }
                coming.drainTo(jobs);
                tryToLook();
                Thread.sleep(LOOK_MILLIS);
            }
        } catch (InterruptedException e) {
            LOG.info("restorer ends");
        }
    }

    private void tryToLook() throws InterruptedException {
        try {
            look(jobs);
        } catch (InterruptedException e) {
            throw e;
        } catch (Exception | LinkageError e) {
            // As while REST does not answer yet: the next look tries again, and each job waits for a moment only.
            LOG.debug("slots for former places cannot be asked for", e);
        }
    }

    /** Looks once; jobs that have started or ended are taken out. */
    void look(List<PlacedJob> jobs) throws Exception {
        jobs.removeIf(this::isDone);
        for (PlacedJob job : jobs) {
            if (job.allocator().restoration().waits()) {
                // It may have waited long enough.
                tell(job, job::startIfPossible);
                turn = turn == null ? job : turn;
            }
        }
        if (turn != null && turn.allocator().restoration().waits()) {
            ask(turn, nodes.call());
        }
    }

    private boolean isDone(PlacedJob job) {
        if (job.deployments() == 0 && !job.hasEnded()) {
            return false;
        }
        if (turn == job) {
            turn = null;
            tell(job, job::giveBack);
        }
        return true;
    }

    private static void ask(PlacedJob job, List<NodeView> nodes) {
        Map<String, Double> pins = new HashMap<>();
        nodes.stream().filter(node -> node.pin() > 0).forEach(node -> pins.put(node.id(), node.pin()));
        int free = nodes.stream().mapToInt(NodeView::free).sum();
        tell(job, () -> {
            PlacingSlotAllocator allocator = job.allocator();
            if (!allocator.restoration().waits()) {
                return;
            }
            if (pins.keySet().containsAll(allocator.desired().nodes())) {
                job.desire(allocator.desired(), pins);
            } else {
                job.askFor(Math.max(0, job.heldSlots() + free - allocator.slots()));
            }
        });
    }

    /** On the job's main thread, which answers neither before the job is started nor once it has ended. */
    private static void tell(PlacedJob job, Runnable work) {
        job.onMain(() -> {
            work.run();
            return true;
        }).whenComplete((done, failure) -> {
            if (failure != null) {
                LOG.warn("slots for former places", failure);
            }
        });
    }
}
