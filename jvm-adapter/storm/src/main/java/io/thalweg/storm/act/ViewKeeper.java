package io.thalweg.storm.act;

import io.thalweg.storm.act.StepFailed.Code;
import io.thalweg.storm.cluster.NimbusLink;
import io.thalweg.storm.cluster.NodeFacts;
import java.util.Collection;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.apache.storm.generated.Assignment;
import org.apache.storm.thrift.TException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Holds supervisors to the views they were sent.
 *
 * <p>Every supervisor asks Nimbus for its assignments each ten seconds, which undoes a view. Its slots look at what
 * they should run only each {@code supervisor.monitor.frequency.secs}, so a view that is sent again within a tenth
 * of a second is mostly not missed. The keeper learns when each supervisor asks, and looks more often around that
 * time.
 */
final class ViewKeeper implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ViewKeeper.class);

    /** Storm's own, not a setting. */
    private static final long SYNC_MILLIS = 10_000;

    private static final long LOOK_MILLIS = 100;
    private static final long CLOSE_LOOK_MILLIS = 15;
    private static final long AROUND_SYNC_MILLIS = 400;
    private static final long RESEND_MILLIS = 500;
    private static final int MOST_THREADS = 8;

    private final String topology;
    private final NimbusLink nimbus;
    private final Slots wished;
    private final Map<String, Held> nodes = new TreeMap<>();
    private final ScheduledExecutorService pool;

    ViewKeeper(Scene scene, String topology, Slots wished, Collection<NodeFacts> involved) {
        this.topology = topology;
        this.nimbus = scene.nimbus();
        this.wished = wished;
        for (NodeFacts node : involved) {
            nodes.put(node.id(), new Held(new SupervisorLink(scene.conf(), scene.state(), node), node.id()));
        }
        pool = Executors.newScheduledThreadPool(Math.min(MOST_THREADS, nodes.size()), task -> {
            Thread thread = new Thread(task, "thalweg-views");
            thread.setDaemon(true);
            return thread;
        });
        nodes.values().forEach(held -> pool.execute(held::look));
    }

    /** Sends a node its view and keeps it there. */
    void hold(String node, Assignment view) {
        nodes.get(node).want(view);
    }

    /** Waits until every node holds its view. */
    void awaitHeld(Deadline deadline) throws StepFailed, InterruptedException {
        for (Held held : nodes.values()) {
            deadline.await("node " + held.node + " to take its view", held::confirmed);
        }
    }

    /** Whether none of the nodes is about to ask Nimbus, as far as is known, and each was seen asking once. */
    boolean quiet(Collection<String> which, long millis, long now) {
        return which.stream().allMatch(node -> nodes.get(node).quiet(millis, now));
    }

    /** Lets go of the views and gives every node what Nimbus holds. */
    void release() throws TException {
        close();
        TException failure = null;
        for (Held held : nodes.values()) {
            try {
                held.link.send(nimbus.assignments(held.node));
            } catch (TException | RuntimeException e) {
                LOG.info("node {} will learn by itself within {} ms: {}", held.node, SYNC_MILLIS, e.toString());
                failure = e instanceof TException t ? t : new TException(e);
            } finally {
                held.link.close();
            }
        }
        if (failure != null) {
            throw failure;
        }
    }

    @Override
    public void close() {
        pool.shutdownNow();
        try {
            pool.awaitTermination(5, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** One supervisor with the view it is held to. */
    private final class Held {
        private final SupervisorLink link;
        private final String node;
        private Assignment view;
        private boolean confirmed;
        private long sentAt;
        private long undoneAt;
        private boolean failing;

        Held(SupervisorLink link, String node) {
            this.link = link;
            this.node = node;
        }

        synchronized void want(Assignment wanted) {
            view = wanted;
            confirmed = false;
            sentAt = 0;
            keep();
        }

        synchronized boolean confirmed() {
            return confirmed;
        }

        synchronized boolean quiet(long millis, long now) {
            return undoneAt != 0 && nextSync(now) - now > millis;
        }

        private long nextSync(long now) {
            return undoneAt + ((now - undoneAt) / SYNC_MILLIS + 1) * SYNC_MILLIS;
        }

        void look() {
            long pause;
            synchronized (this) {
                keep();
                long now = System.currentTimeMillis();
                long near = undoneAt == 0 ? SYNC_MILLIS : Math.min(nextSync(now) - now, (now - undoneAt) % SYNC_MILLIS);
                pause = near < AROUND_SYNC_MILLIS || !confirmed ? CLOSE_LOOK_MILLIS : LOOK_MILLIS;
            }
            if (!pool.isShutdown()) {
                try {
                    pool.schedule(this::look, pause, TimeUnit.MILLISECONDS);
                } catch (java.util.concurrent.RejectedExecutionException e) {
                    LOG.debug("keeper of {} ends", node);
                }
            }
        }

        /** Sends the view unless the supervisor holds it, or already holds what Nimbus was to make true. */
        private void keep() {
            if (view == null) {
                return;
            }
            try {
                long now = System.currentTimeMillis();
                if (sentAt == 0) {
                    send(now);
                    return;
                }
                Optional<Assignment> held = link.held(topology);
                if (held.isPresent() && (same(held.get()) || reached(held.get()))) {
                    confirmed = true;
                } else if (confirmed) {
                    undoneAt = now;
                    confirmed = false;
                    send(now);
                } else if (now - sentAt > RESEND_MILLIS) {
                    send(now);
                }
                failing = false;
            } catch (TException | RuntimeException e) {
                if (!failing) {
                    LOG.warn("node {} cannot be told its view: {}", node, e.toString());
                    failing = true;
                }
            }
        }

        private boolean same(Assignment held) {
            return held.get_executor_node_port().equals(view.get_executor_node_port())
                && held.get_worker_resources().equals(view.get_worker_resources());
        }

        /** Nimbus's assignment holds plain keys only, a view that still switches holds others besides. */
        private boolean reached(Assignment held) {
            return held.get_executor_node_port().size() == wished.places().size() && Slots.of(held).equals(wished);
        }

        private void send(long now) throws TException {
            Map<String, Assignment> all = new TreeMap<>(nimbus.assignments(node));
            all.put(topology, view);
            link.send(all);
            sentAt = now;
        }
    }
}
