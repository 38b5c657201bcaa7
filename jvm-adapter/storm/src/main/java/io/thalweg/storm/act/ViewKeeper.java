package io.thalweg.storm.act;

import io.thalweg.shell.Deadline;
import io.thalweg.shell.StepFailed;
import io.thalweg.shell.StepFailed.Code;
import io.thalweg.storm.cluster.Rounds;
import io.thalweg.shell.Threads;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.apache.storm.generated.Assignment;
import org.apache.storm.generated.AuthorizationException;
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
 * again what was undone unexpectedly. Each message holds what Nimbus holds at that moment, as {@link Herald} sees to.
 */
final class ViewKeeper implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ViewKeeper.class);

    private static final long LOOK_MILLIS = 100;
    private static final long CLOSE_LOOK_MILLIS = 15;
    private static final long BARRAGE_MILLIS = 4;

    /** From this long before a supervisor asks until this long after. */
    private static final long BEFORE_SYNC_MILLIS = 200;
    private static final long AFTER_SYNC_MILLIS = 500;

    /** As long after a scheduling round begins, Nimbus may tell supervisors what it decided. */
    private static final long AFTER_ROUND_MILLIS = 600;

    private static final long RESEND_MILLIS = 500;
    private static final long LONGEST_PAUSE_MILLIS = 2_000;
    private static final int MOST_THREADS = 8;

    private final String topology;
    private final Truth truth;
    private final Slots desired;
    private final SyncClock clock;
    private final Rounds rounds;
    private final Map<String, Held> nodes = new TreeMap<>();
    private final ScheduledExecutorService pool;
    private volatile String refusal;
    private volatile String forbidden;

    /**
     * Begins to look after nodes, which are left alone until they are to be held to a view.
     *
     * @param supervisors by node
     */
    ViewKeeper(String topology, Slots desired, Truth truth, SyncClock clock, Rounds rounds, Map<String, Supervisor> supervisors) {
        this.clock = clock;
        this.rounds = rounds;
        this.topology = topology;
        this.truth = truth;
        this.desired = desired;
        supervisors.forEach((node, supervisor) -> nodes.put(node, new Held(supervisor, node)));
        pool = Executors.newScheduledThreadPool(Math.min(MOST_THREADS, nodes.size()), Threads.named("thalweg-views"));
        nodes.values().forEach(held -> pool.execute(held::look));
    }

    /** Sends a node its view and keeps it there. */
    void hold(String node, Assignment view) {
        nodes.get(node).want(view);
    }

    /** Waits until every node holds its view. */
    void awaitHeld(Deadline deadline) throws StepFailed, InterruptedException {
        for (Held held : nodes.values()) {
            deadline.await("node " + held.node + " to take its view", () -> {
                check();
                return held.confirmed();
            });
        }
    }

    /** Fails once a view cannot be kept any more. */
    void check() throws StepFailed {
        if (forbidden != null) {
            throw new StepFailed(Code.ENGINE_REFUSED, forbidden);
        }
        if (refusal != null) {
            throw new StepFailed(Code.SLOT_NOT_FREE, refusal);
        }
    }

    /** Lets go of the views and gives every node what Nimbus holds. */
    void release() throws TException {
        close();
        TException failure = null;
        for (Held held : nodes.values()) {
            try {
                held.release();
            } catch (TException | RuntimeException e) {
                LOG.info("node {} will learn by itself within {} ms: {}", held.node, SyncClock.PERIOD_MILLIS, e.toString());
                failure = e instanceof TException t ? t : new TException(e);
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

    /** Whether Nimbus still holds the topology: one that was killed is not to be kept alive. */
    private boolean alive() throws TException {
        for (String node : nodes.keySet()) {
            if (truth.of(node).containsKey(topology)) {
                return true;
            }
        }
        return false;
    }

    /** One supervisor with the view it is held to. */
    private final class Held {
        private final Supervisor supervisor;
        private final Herald herald;
        private final String node;
        private Assignment view;
        private boolean confirmed;
        private boolean released;
        private long sentAt;
        private int failures;

        Held(Supervisor supervisor, String node) {
            this.supervisor = supervisor;
            this.herald = new Herald(truth, node, supervisor);
            this.node = node;
        }

        synchronized void want(Assignment wanted) {
            view = wanted;
            confirmed = false;
            sentAt = 0;
            attempt(() -> keep(false));
        }

        synchronized boolean confirmed() {
            return confirmed;
        }

        synchronized void release() throws TException {
            released = true;
            try {
                herald.tell();
            } finally {
                supervisor.close();
            }
        }

        void look() {
            long pause = LOOK_MILLIS;
            try {
                pause = lookOnce();
            } catch (Throwable e) {
                LOG.error("node {} is not looked after for a moment", node, e);
            }
            try {
                pool.schedule(this::look, pause, TimeUnit.MILLISECONDS);
            } catch (RejectedExecutionException e) {
                LOG.debug("keeper of {} ends", node);
            }
        }

        private synchronized long lookOnce() {
            if (view == null || released) {
                return CLOSE_LOOK_MILLIS;
            }
            boolean asking = asking(System.currentTimeMillis());
            boolean barrage = asking && confirmed && refusal == null;
            attempt(refusal != null ? this::follow : barrage ? this::repeat : () -> keep(asking));
            if (failures > 0) {
                return Math.min(LONGEST_PAUSE_MILLIS, CLOSE_LOOK_MILLIS << Math.min(failures, 10));
            }
            if (barrage) {
                return BARRAGE_MILLIS;
            }
            long now = System.currentTimeMillis();
            boolean close = asking || !confirmed || !clock.knows(node) || rounds.beganWithin(AFTER_ROUND_MILLIS, now);
            return Math.min(close ? CLOSE_LOOK_MILLIS : LOOK_MILLIS, Math.min(untilAsking(now), untilRound(now)));
        }

        /** Makes calls of which each may fail, and counts failures in a row: each costs a connection. */
        private void attempt(Attempt calls) {
            try {
                calls.make();
                failures = 0;
            } catch (TException | RuntimeException | Error e) {
                if (e instanceof AuthorizationException) {
                    forbidden = "node " + node + " may not be told its view, or asked for it: " + e;
                }
                if (failures++ == 0) {
                    LOG.warn("node {} cannot be told its view: {}", node, e.toString());
                }
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

        private long untilRound(long now) {
            return Math.max(CLOSE_LOOK_MILLIS, rounds.next(now) - now);
        }

        /** Sends the view unless the supervisor holds it, or already holds what Nimbus was to make true. */
        private void keep(boolean asking) throws TException {
            if (view == null || released) {
                return;
            }
            long now = System.currentTimeMillis();
            if (sentAt == 0 || !herald.settled(topology)) {
                send(now);
                return;
            }
            Optional<Assignment> held = supervisor.held(topology);
            if (held.isPresent() && (same(held.get()) || reached(held.get()))) {
                confirmed = true;
                if (asking && !reached(held.get())) {
                    send(now);
                }
            } else if (confirmed) {
                undone(now);
                confirmed = false;
                send(now);
            } else if (asking || now - sentAt > RESEND_MILLIS) {
                send(now);
            }
        }

        /** Sends the view even though it is there, so that an answer of Nimbus lasts until the next message only. */
        private void repeat() throws TException {
            long now = System.currentTimeMillis();
            sentAt = now;
            if (leave(herald.tellInPassing(topology, view, ViewKeeper.this::alive))) {
                return;
            }
            Optional<Assignment> held = supervisor.held(topology);
            if (held.isPresent() && !same(held.get()) && !reached(held.get())) {
                undone(now);
                send(now);
            }
        }

        /** A view is undone when its supervisor asks, which tells when it does, or when Nimbus has something new for it. */
        private void undone(long now) throws TException {
            if (!clock.knows(node) || !herald.outdated(topology)) {
                clock.saw(node, now);
            }
        }

        private boolean same(Assignment held) {
            return held.get_executor_node_port().equals(view.get_executor_node_port())
                && held.get_executor_start_time_secs().equals(view.get_executor_start_time_secs())
                && held.get_worker_resources().equals(view.get_worker_resources());
        }

        /** Nimbus's assignment holds plain keys only, a view that still switches holds others besides. */
        private boolean reached(Assignment held) {
            return held.get_executor_node_port().size() == desired.places().size() && Slots.of(held).equals(desired);
        }

        private void send(long now) throws TException {
            sentAt = now;
            leave(herald.tell(topology, view, ViewKeeper.this::alive));
        }

        /** Leaves the node to Nimbus if anything keeps it from its view. */
        private boolean leave(Optional<String> why) {
            if (why.isPresent()) {
                LOG.warn("node {} is left to Nimbus: {}", node, why.get());
                refusal = why.get();
                view = null;
            }
            return why.isPresent();
        }

        /** Follows another node that was left to Nimbus: what the plan is for will not come about. */
        private void follow() throws TException {
            view = null;
            herald.tell();
        }
    }

    /** Calls that may fail. */
    @FunctionalInterface
    private interface Attempt {
        void make() throws TException;
    }
}
