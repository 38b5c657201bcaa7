package io.thalweg.flink;

import io.thalweg.bridge.NativeLibrary;
import io.thalweg.bridge.ThalwegException;
import io.thalweg.flink.Jobs.Submission;
import io.thalweg.flink.act.ClusterStates;
import io.thalweg.flink.measure.ClusterReader;
import io.thalweg.flink.place.SlotNumbers;
import io.thalweg.flink.rest.Requirements;
import io.thalweg.flink.rest.Rest;
import io.thalweg.shell.Actuator;
import io.thalweg.shell.ClusterNote;
import io.thalweg.shell.Engine;
import io.thalweg.shell.EngineFacade;
import io.thalweg.shell.Leadership;
import io.thalweg.shell.Linkage;
import io.thalweg.shell.NativeEngine;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.flink.api.common.JobID;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.runtime.metrics.groups.JobManagerJobMetricGroup;
import org.apache.flink.runtime.scheduler.SchedulerNG;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The one Thalweg of a JobManager, whatever number of jobs it runs. */
public final class Thalweg implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Thalweg.class);
    private static final String BOUNDS = "flink-bounds";

    private static Thalweg instance;
    private static boolean refused;

    private final Settings settings;
    private final Jobs jobs;
    private final Opening<Loop> loop;

    /** Opens the engine and begins to watch, later where its store is not to be had yet. */
    Thalweg(Settings settings, Jobs jobs, Leadership leadership) {
        this.settings = settings;
        this.jobs = jobs;
        NativeLibrary.load(settings.libraryPath());
        loop = new Opening<>(() -> Loop.open(settings, jobs, leadership), Thalweg::mayPass, Thread::sleep);
        loop.begin();
    }

    /** The one of this process, made on first use; null where it cannot be, which the log explains once. */
    static synchronized Thalweg of(Configuration configuration) {
        if (instance == null && !refused) {
            try {
                Settings settings = possible(configuration.toMap());
                if (settings.level() == 0) {
                    refused = true;
                    LOG.info("thalweg.flink.level is 0: Flink's own adaptive scheduler runs alone");
                    return null;
                }
                instance = new Thalweg(settings, Jobs.ownOnly(), ByAddress.of(configuration));
            } catch (Throwable e) {
                refused = true;
                String code = e instanceof ThalwegException t ? t.code().name() : "START";
                LOG.error("Thalweg cannot start ({}): Flink's own adaptive scheduler runs alone", code, e);
            }
        }
        return instance;
    }

    /** The settings, at level 1 where this Flink lacks what level 2 needs: parallelism is asked for through REST anywhere. */
    private static Settings possible(Map<String, String> configuration) throws IOException {
        Settings settings = Settings.of(configuration);
        Set<String> missing = settings.level() == 2 ? linkage().missing(Thalweg.class) : Set.of();
        if (missing.isEmpty()) {
            return settings;
        }
        LOG.warn("thalweg.flink.level is 1 instead of 2, so that Flink chooses the slots: with this Flink there is no {}",
                String.join(", no ", missing));
        Map<String, String> withoutSlots = new HashMap<>(configuration);
        withoutSlots.put("thalweg.flink.level", "1");
        return Settings.of(withoutSlots);
    }

    /** What is checked of Flink before Thalweg starts in it: later, an error would end a job or the JobManager. */
    static Linkage linkage() {
        return new Linkage("Flink", "org/apache/flink/", Set.of());
    }

    /** A predecessor that is about to end has the store still, or its server does not answer. */
    private static boolean mayPass(Throwable failure) {
        return failure instanceof ThalwegException e && e.code() == ThalwegException.Code.STORE;
    }

    Settings settings() {
        return settings;
    }

    SlotNumbers numbers() {
        return jobs.numbers();
    }

    /** The rows by which a job was placed last; nothing where none are stored, or the store is not open yet. */
    Optional<JsonNode> table(JobID job) {
        return loop.opened().map(open -> open.facade.table(job.toString())).filter(JsonNode::isObject)
                .map(table -> table.path("rows"));
    }

    /** A job that our slot allocator places. */
    void take(Job job, Submission submission, JobManagerJobMetricGroup metrics) {
        jobs.place(job, submission);
        if (job.allocator().restoration() != null) {
            loop.opened().ifPresent(open -> open.restorer.add(job));
        }
        jobs.metrics().join(job.id().toString(), metrics);
    }

    /** A job of Flink's own scheduler, whose parallelism alone can be changed. */
    void watch(JobID id, Submission submission, SchedulerNG scheduler, JobManagerJobMetricGroup metrics) {
        jobs.add(id.toString(), submission, scheduler.getJobTerminationFuture());
        jobs.metrics().join(id.toString(), metrics);
    }

    @Override
    public void close() {
        loop.close();
    }

    /** What watches and acts. */
    private static final class Loop implements AutoCloseable {
        private final Engine engine;
        private final Actuator actuator;
        private final Monitor monitor;
        private final EngineFacade facade;
        private final Restorer restorer;

        /** Opens the engine and begins; where that fails, nothing is left open that the next try would find in its way. */
        static Loop open(Settings settings, Jobs jobs, Leadership leadership) {
            if (settings.ownStore() != null) {
                PrivateFolder.make(settings.ownStore());
            }
            Engine engine = new NativeEngine(settings.libraryPath(), settings.forEngine());
            try {
                return new Loop(engine, settings, jobs, leadership);
            } catch (RuntimeException | Error e) {
                engine.close();
                throw e;
            }
        }

        private Loop(Engine engine, Settings settings, Jobs jobs, Leadership leadership) {
            this.engine = engine;
            facade = new EngineFacade(engine, leadership, ClusterNote.NONE);
            facade.reportStatus();
            Rest rest = new Rest(settings.rest());
            Requirements requirements =
                    new Requirements(rest, () -> facade.kept(BOUNDS), bounds -> facade.keep(BOUNDS, bounds));
            monitor = new Monitor(settings, rest, requirements, engine, facade, jobs);
            actuator = new Actuator(facade, new ClusterStates(settings, rest, requirements, facade, jobs, monitor),
                    settings.stepTimeoutMillis(), result -> LOG.info("action: {}", result));
            restorer = new Restorer(new ClusterReader(rest)::nodes);
            restorer.start();
            monitor.start(actuator);
        }

        @Override
        public void close() {
            monitor.close();
            actuator.close();
            restorer.close();
            engine.close();
        }
    }
}
