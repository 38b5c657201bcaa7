package io.thalweg.flink;

import io.thalweg.bridge.SnapshotWriter;
import io.thalweg.bridge.ThalwegException;
import io.thalweg.flink.measure.ClusterReader;
import io.thalweg.flink.measure.Encoder;
import io.thalweg.flink.measure.JobView;
import io.thalweg.flink.measure.NodeView;
import io.thalweg.flink.rest.Requirements;
import io.thalweg.flink.rest.Requirements.Range;
import io.thalweg.flink.rest.Rest;
import io.thalweg.shell.Actuator;
import io.thalweg.shell.Engine;
import io.thalweg.shell.EngineFacade;
import io.thalweg.shell.Findings;
import io.thalweg.shell.Gauges;
import io.thalweg.shell.Pace;
import io.thalweg.shell.Place;
import io.thalweg.shell.Threads;
import java.io.IOException;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.TreeMap;
import org.apache.flink.runtime.jobgraph.JobVertexID;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Looks at the cluster at even intervals, hands what it saw to the engine, and takes the decisions. */
public final class Monitor implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Monitor.class);
    /** Within this time TaskManagers have answered with their counters. */
    private static final long FETCH_MILLIS = 200;
    /** Both sides' HTTP, beside what this thread reads. */
    private static final double PROCESS_PER_THREAD = 8;
    private static final String RUNNING = "RUNNING";
    private static final String REVERSE = "reverse";

    /** The cluster as it was last seen. */
    public record View(List<NodeView> nodes, Map<String, JobView> jobs) { }

    private final Settings settings;
    private final ClusterReader reader;
    private final Engine engine;
    private final EngineFacade facade;
    private final Jobs jobs;
    private final Requirements requirements;
    private final Map<String, Map<String, Range>> users = new HashMap<>();
    private final Encoder encoder = new Encoder();
    private final Encoder.Beyond beyond = new Own();
    private final Findings findings = new Findings(LOG);
    private final Gauges gauges;
    private final Pace pace;
    private final Thread thread = Threads.of("thalweg-monitor", this::work);
    private volatile View last = new View(List.of(), Map.of());
    private Actuator actuator;
    /** The term of leadership that the engine was told of; empty while it follows. */
    private OptionalLong term = OptionalLong.empty();

    Monitor(Settings settings, Rest rest, Requirements requirements, Engine engine, EngineFacade facade, Jobs jobs) {
        this.settings = settings;
        this.pace = new Pace(settings.mostCpuPercent(), PROCESS_PER_THREAD);
        this.reader = new ClusterReader(rest.paced(pace));
        this.requirements = requirements;
        this.engine = engine;
        this.facade = facade;
        this.jobs = jobs;
        this.gauges = new Gauges(jobs.metrics());
    }

    /** Begins; plans go to this actuator, and after the first look what a predecessor left. */
    void start(Actuator actuator) {
        this.actuator = actuator;
        actuator.start();
        thread.start();
    }

    /** The cluster as it was last seen. */
    public View last() {
        return last;
    }

    @Override
    public void close() {
        Threads.stop(thread);
    }

    private void work() {
        int failures = 0;
        try {
            long rest = 0;
            while (true) {
                Thread.sleep(Math.max(rest, untilNext(failures)));
                pace.begin();
                failures = poll() ? 0 : failures + 1;
                rest = pace.end(settings.monitorIntervalMillis());
            }
        } catch (InterruptedException e) {
            LOG.info("monitor ends");
        }
    }

    /** Looks come at whole seconds of the clock, so that each sees one more interval, and sees it at once. */
    private long untilNext(int failures) {
        long interval = settings.monitorIntervalMillis();
        return Findings.pauseMillis(interval, failures) - System.currentTimeMillis() % interval;
    }

    private boolean poll() throws InterruptedException {
        try {
            if (observe()) {
                findings.say("poll", "statistics are read");
            }
            return true;
        } catch (ThalwegException e) {
            // The core's own, and no answer of Flink's.
            count(e);
            return false;
        } catch (IOException | RuntimeException e) {
            findings.say("poll", "statistics cannot be read: " + e);
            return false;
        } catch (InterruptedException e) {
            throw e;
        } catch (Throwable e) {
            // An Error would end this thread, and nobody would look any more. Nothing of Flink's runs here.
            count(e);
            return false;
        }
    }

    private void count(Throwable error) {
        try {
            findings.say("poll", "statistics cannot be read: " + error);
            LOG.error("a look at the cluster failed", error);
            facade.event("MONITOR_ERROR", error.toString());
        } catch (Throwable e) {
            // As when there is no memory: the next look tries again.
            thread.getName();
        }
    }

    private boolean observe() throws IOException, InterruptedException {
        if (facade.leadsLately().isEmpty()) {
            return follows();
        }
        long now = System.currentTimeMillis();
        reader.refresh();
        Thread.sleep(FETCH_MILLIS);
        Map<String, String> listed = reader.jobs();
        List<JobView> seen = new JobsReader(reader, jobs, settings, last.jobs()).read(listed, findings::say);
        if (seen == null) {
            return follows();
        }
        if (!leads()) {
            return false;
        }
        List<NodeView> nodes = reader.nodes();
        Map<String, JobView> byId = new TreeMap<>();
        seen.forEach(job -> byId.put(job.id(), job));
        last = new View(nodes, byId);
        users.keySet().retainAll(byId.keySet());
        reader.keep(byId.keySet());
        requirements.keep(byId.keySet(), now);
        for (JobView job : seen) {
            readBounds(job);
        }
        SnapshotWriter snapshot = encoder.encode(now, nodes, seen, beyond);
        JsonNode answer = engine.observe(snapshot.finish(), snapshot.length(), now);
        if (!answer.path("leads").asBoolean(true)) {
            term = OptionalLong.empty();
            gauges.follow();
            return true;
        }
        gauges.take(answer);
        answer.path("decisions").forEach(decision -> findings.take(decision, actuator));
        JsonNode due = answer.path("due");
        if (due.isObject() && canBeDone(due, byId)) {
            actuator.due(due);
        }
        byId.keySet().forEach(this::tellDropped);
        findings.keep(byId.keySet());
        return true;
    }

    /**
     * What was changed is taken back in whatever state a job is: it may be what keeps it from running. Of one that has ended
     * nothing is left to be done, and to say so ends the action, for which all others wait.
     */
    private boolean canBeDone(JsonNode due, Map<String, JobView> seen) throws InterruptedException {
        String id = due.path("plan").path("topology").asText();
        JobView job = seen.get(id);
        if (job != null) {
            return REVERSE.equals(due.path("what").asText()) || RUNNING.equals(job.state());
        }
        try {
            return reader.hasEnded(id);
        } catch (IOException e) {
            findings.say("due " + id, "job " + id + " cannot be asked for: " + e);
            return false;
        }
    }

    /** Whether this JobManager leads; whoever begins to goes on from what its predecessor left. */
    private boolean leads() {
        if (facade.hasLost() || !facade.leadsLately().equals(term)) {
            follow("another JobManager has led, or somebody was told so");
            // The actuator may still let go of what it was at before.
            OptionalLong now = actuator.isIdle() ? facade.leads() : OptionalLong.empty();
            if (now.isPresent()) {
                requirements.recall();
                facade.lead(now.getAsLong());
                LOG.info("this JobManager leads, the {}. time that one begins to since it started", now.getAsLong());
                term = now;
            }
        }
        return term.isPresent();
    }

    /** What another JobManager runs is not ours to judge, nor to forget. */
    private boolean follows() {
        findings.say("poll", "another JobManager leads");
        follow("another JobManager leads");
        return false;
    }

    private void follow(String why) {
        if (term.isPresent()) {
            LOG.info("{}", why);
            facade.follow();
            term = OptionalLong.empty();
            gauges.follow();
        }
    }

    /** The bounds that users set; where they cannot be read, those that were known last. */
    private void readBounds(JobView job) throws InterruptedException {
        if (job.vertices().isEmpty() || !RUNNING.equals(job.state())) {
            return;
        }
        if (!users.containsKey(job.id())) {
            jobs.submission(job.id()).ifPresent(submission ->
                    requirements.submitted(job.id(), submission.parallelism(), submission.fresh()));
        }
        pace.await();
        try {
            users.put(job.id(), requirements.users(job.id()));
        } catch (IOException | RuntimeException e) {
            findings.say("bounds " + job.id(), job.name() + ": bounds of parallelism cannot be read: " + e);
        }
    }

    /** What is known of jobs beyond what REST tells. */
    private final class Own implements Encoder.Beyond {
        @Override
        public Place place(String job, String vertex, int subtask) {
            List<Place> places = jobs.placed(job).map(placed -> placed.allocator().places()).orElse(Map.of())
                    .getOrDefault(JobVertexID.fromHexString(vertex), List.of());
            return subtask < places.size() ? places.get(subtask) : null;
        }

        @Override
        public Map<String, Integer> managedMib(String job) {
            Map<String, Integer> byId = new HashMap<>();
            jobs.placed(job).ifPresent(placed -> placed.allocator().managedMib()
                    .forEach((vertex, mib) -> byId.put(vertex.toHexString(), mib)));
            return byId;
        }

        @Override
        public Map<String, Range> bounds(String job) {
            return users.getOrDefault(job, Map.of());
        }
    }

    private void tellDropped(String id) {
        jobs.placed(id).map(Job::allocator).ifPresent(allocator -> {
            for (String what = allocator.failure(); what != null; what = allocator.failure()) {
                facade.event("HOOK_FAILED", id + ": " + what);
            }
            for (String row = allocator.dropped(); row != null; row = allocator.dropped()) {
                LOG.warn("job {}: a desired place is dropped: {}", id, row);
                facade.event("ROW_DROPPED", id + ": " + row);
            }
        });
    }
}
