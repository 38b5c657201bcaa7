package io.thalweg.storm.act;

import io.thalweg.shell.Deadline;
import io.thalweg.shell.StepFailed;
import io.thalweg.shell.StepFailed.Code;
import io.thalweg.storm.cluster.NimbusLink;
import io.thalweg.storm.cluster.NodeFacts;
import java.util.Collection;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.apache.storm.generated.Assignment;
import org.apache.storm.thrift.TException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Holds supervisors to the views they were sent.
 *
 * <p>Every supervisor asks Nimbus for its assignments each ten seconds, which undoes a view. It works off its
 * messages one by one, so around that time the view is sent again and again: the next copy then waits right behind
 * the answer of Nimbus, and the view is gone for a few milliseconds only. Slots look at what they should run each
 * {@code supervisor.monitor.frequency.secs} and hardly ever notice. At all other times the keeper looks, and sends
 * again what was undone unexpectedly.
 */
final class ViewKeeper implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ViewKeeper.class);

    private static final long LOOK_MILLIS = 100;
    private static final long CLOSE_LOOK_MILLIS = 15;
    private static final long BARRAGE_MILLIS = 4;

    /** From this long before a supervisor asks until this long after. */
    private static final long BEFORE_SYNC_MILLIS = 200;
    private static final long AFTER_SYNC_MILLIS = 500;

    private static final long RESEND_MILLIS = 500;
    private static final int MOST_THREADS = 8;

    private final String topology;
    private final NimbusLink nimbus;
    private final Slots wished;
    private final SyncClock clock;
    private final Map<String, Held> nodes = new TreeMap<>();
    private final ScheduledExecutorService pool;

    ViewKeeper(Scene scene, String topology, Slots wished, Collection<NodeFacts> involved) {
        this.clock = scene.clock();
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

    /** Lets go of the views and gives every node what Nimbus holds. */
    void release() throws TException {
        close();
        TException failure = null;
        for (Held held : nodes.values()) {
            try {
                held.link.send(nimbus.assignments(held.node));
            } catch (TException | RuntimeException e) {
                LOG.info("node {} will learn by itself within {} ms: {}", held.node, SyncClock.PERIOD_MILLIS, e.toString());
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
        private Map<String, Assignment> message;
        private boolean confirmed;
        private long sentAt;
        private boolean failing;

        Held(SupervisorLink link, String node) {
            this.link = link;
            this.node = node;
        }

        synchronized void want(Assignment wanted) {
            view = wanted;
            message = null;
            confirmed = false;
            sentAt = 0;
            keep(false);
        }

        synchronized boolean confirmed() {
            return confirmed;
        }

        void look() {
            long pause;
            synchronized (this) {
                boolean asking = asking(System.currentTimeMillis());
                if (asking && confirmed && message != null) {
                    repeat();
                    pause = BARRAGE_MILLIS;
                } else {
                    keep(asking);
                    pause = asking || !confirmed || !clock.knows(node) ? CLOSE_LOOK_MILLIS : LOOK_MILLIS;
                    pause = Math.min(pause, untilAsking(System.currentTimeMillis()));
                }
            }
            try {
                pool.schedule(this::look, pause, TimeUnit.MILLISECONDS);
            } catch (RejectedExecutionException e) {
                LOG.debug("keeper of {} ends", node);
            }
        }

        private boolean asking(long now) {
            OptionalLong sync = clock.nearest(node, now);
            return sync.isPresent() && now >= sync.getAsLong() - BEFORE_SYNC_MILLIS && now <= sync.getAsLong() + AFTER_SYNC_MILLIS;
        }

        private long untilAsking(long now) {
            OptionalLong sync = clock.nearest(node, now + SyncClock.PERIOD_MILLIS / 2 - AFTER_SYNC_MILLIS);
            return sync.isEmpty() ? LOOK_MILLIS : Math.max(CLOSE_LOOK_MILLIS, sync.getAsLong() - BEFORE_SYNC_MILLIS - now);
        }

        /** Sends the view unless the supervisor holds it, or already holds what Nimbus was to make true. */
        private void keep(boolean asking) {
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
                    if (asking && !reached(held.get())) {
                        send(now);
                    }
                } else if (confirmed) {
                    clock.saw(node, now);
                    confirmed = false;
                    send(now);
                } else if (asking || now - sentAt > RESEND_MILLIS) {
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

        /** Sends what was sent before, so that an answer of Nimbus lasts until the next message only. */
        private void repeat() {
            try {
                link.send(message);
                Optional<Assignment> held = link.held(topology);
                if (held.isPresent() && !same(held.get()) && !reached(held.get())) {
                    clock.saw(node, System.currentTimeMillis());
                    link.send(message);
                }
            } catch (TException | RuntimeException e) {
                LOG.debug("node {} missed a copy of its view", node, e);
            }
        }

        private boolean same(Assignment held) {
            return held.get_executor_node_port().equals(view.get_executor_node_port())
                && held.get_executor_start_time_secs().equals(view.get_executor_start_time_secs())
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
            message = all;
            sentAt = now;
        }
    }
}
