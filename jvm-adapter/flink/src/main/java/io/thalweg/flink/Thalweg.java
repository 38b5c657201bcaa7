package io.thalweg.flink;

import io.thalweg.bridge.ThalwegException;
import io.thalweg.flink.act.Stages;
import io.thalweg.flink.rest.Rest;
import io.thalweg.shell.Actuator;
import io.thalweg.shell.Desk;
import io.thalweg.shell.Engine;
import io.thalweg.shell.NativeEngine;
import org.apache.flink.api.common.JobID;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.runtime.scheduler.SchedulerNG;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The one Thalweg of a JobManager, whatever number of jobs it runs. */
public final class Thalweg implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Thalweg.class);

    private static Thalweg instance;
    private static boolean failed;

    private final Settings settings;
    private final Jobs jobs;
    private final Engine engine;
    private final Actuator actuator;
    private final Monitor monitor;

    /** Opens the engine and begins to watch. */
    Thalweg(Settings settings, Jobs jobs) {
        this.settings = settings;
        this.jobs = jobs;
        engine = new NativeEngine(settings.libraryPath(), settings.forEngine());
        Desk desk = new Desk(engine);
        desk.reportStatus();
        Rest rest = new Rest(settings.restUrl());
        monitor = new Monitor(settings, rest, engine, desk, jobs);
        actuator = new Actuator(desk, new Stages(rest, desk, jobs, monitor), settings.stepTimeoutMillis(),
                result -> LOG.info("action: {}", result));
        monitor.start(actuator);
    }

    /** The one of this process, made on first use; null where it cannot be, which the log explains once. */
    static synchronized Thalweg of(Configuration configuration) {
        if (instance == null && !failed) {
            failed = true;
            try {
                Settings settings = Settings.of(configuration.toMap());
                if (settings.level() == 0) {
                    LOG.info("thalweg.flink.level is 0: Flink's own adaptive scheduler runs alone");
                    return null;
                }
                instance = new Thalweg(settings, Jobs.ownOnly());
            } catch (LinkageError | RuntimeException e) {
                String code = e instanceof ThalwegException t ? t.code().name() : "START";
                LOG.error("Thalweg cannot start ({}): Flink's own adaptive scheduler runs alone", code, e);
            }
        }
        return instance;
    }

    Settings settings() {
        return settings;
    }

    /** A job that our slot allocator places. */
    void take(Job job) {
        jobs.place(job);
    }

    /** A job of Flink's own scheduler, whose parallelism alone can be changed. */
    void watch(JobID id, SchedulerNG scheduler) {
        jobs.add(id, scheduler.getJobTerminationFuture());
    }

    @Override
    public void close() {
        monitor.close();
        actuator.close();
        engine.close();
    }
}
