package io.thalweg.storm.cluster;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.storm.Config;
import org.apache.storm.DaemonConfig;

/**
 * The settings of {@code storm.yaml} that this shell reads itself. The core validates all of them against its own
 * table and reports what is wrong; a value that cannot be used counts as absent here.
 */
public record Settings(long monitorIntervalMillis, double mostCpuPercent, long stepTimeoutMillis, long settleMillis,
                       int rebalanceWaitSecs, Method method, String libraryPath, long roundMillis, long refreshMillis, long workerEndMillis,
                       Path folder, String delegate) {
    /** The ways of acting, or the best that suits. */
    public enum Method {
        /** Make before break, else drain, else rebalance. */
        AUTO,
        /** Only make before break. */
        MAKE_BEFORE_BREAK,
        /** Only drain and restart. */
        DRAIN,
        /** Only a plain rebalance. */
        REBALANCE
    }

    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String PREFIX = "thalweg.";
    private static final String OF_TOPOLOGY = "topology.thalweg.";
    private static final int DEFAULT_MESSAGE_TIMEOUT_SECS = 30;
    private static final long LONGEST_WAIT_MILLIS = 60_000;

    /** Storm's own keys that the core wants to know besides ours. */
    private static final String[] STORMS = {
        Config.STORM_LOCAL_DIR, DaemonConfig.NIMBUS_MONITOR_FREQ_SECS, Config.TASK_REFRESH_POLL_SECS,
        Config.EXECUTOR_METRICS_FREQUENCY_SECS
    };

    /** Keys of Storm's by which the doctor tells what does not hold, is not shared or too coarse; absent where nothing is set. */
    private static final String[] DOCTORS = {
        Config.NIMBUS_SEEDS, DaemonConfig.ISOLATION_SCHEDULER_MACHINES, DaemonConfig.MULTITENANT_SCHEDULER_USER_POOLS,
        DaemonConfig.RESOURCE_AWARE_SCHEDULER_USER_POOLS, "nimbus.even.rebalance.idle.supervisor.enabled",
        Config.TOPOLOGY_STATS_SAMPLE_RATE
    };

    /** Reads the settings from Nimbus's configuration. */
    public static Settings of(Map<String, Object> conf) {
        return new Settings(
            1000 * number(conf, "thalweg.monitor.interval.secs", 10, 1),
            number(conf, "thalweg.monitor.max.cpu.percent", 2, 1),
            1000 * number(conf, "thalweg.action.step.timeout.secs", 60, 1),
            number(conf, "thalweg.action.settle.millis", 1500, 0),
            (int) number(conf, "thalweg.action.rebalance.wait.secs", 0, 0),
            method(conf.get("thalweg.action.method")),
            text(conf, "thalweg.native.library"),
            1000 * number(conf, DaemonConfig.NIMBUS_MONITOR_FREQ_SECS, 10, 1),
            1000 * number(conf, Config.TASK_REFRESH_POLL_SECS, 10, 1),
            1000 * number(conf, Config.SUPERVISOR_WORKER_SHUTDOWN_SLEEP_SECS, 3, 0),
            folder(conf), text(conf, "thalweg.delegate.scheduler"));
    }

    /** Where Thalweg keeps its files, as the core finds it. */
    private static Path folder(Map<String, Object> conf) {
        String written = text(conf, "thalweg.store.dir");
        String local = text(conf, Config.STORM_LOCAL_DIR);
        return written != null ? Path.of(written) : Path.of(local == null ? "." : local, "thalweg");
    }

    /** All settings of interest to the core, as one flat object. */
    public static String forEngine(Map<String, Object> conf) {
        ObjectNode all = JSON.createObjectNode();
        new TreeMap<>(conf).forEach((key, value) -> {
            if (key.startsWith(PREFIX)) {
                all.set(key, JSON.valueToTree(value));
            }
        });
        for (String key : STORMS) {
            all.set(key, JSON.valueToTree(conf.get(key)));
        }
        for (String key : DOCTORS) {
            if (conf.get(key) != null) {
                all.set(key, JSON.valueToTree(conf.get(key)));
            }
        }
        return all.toString();
    }

    /**
     * What a topology's user set about Thalweg, as JSON with the names that the cluster's settings have; empty if nothing.
     * Storm copies Nimbus's settings into each topology's when it is submitted, so a topology's own have another prefix.
     */
    public static String ofTopology(Map<String, Object> topologyConf) {
        ObjectNode own = JSON.createObjectNode();
        new TreeMap<>(topologyConf).forEach((key, value) -> {
            if (key.startsWith(OF_TOPOLOGY) && value != null) {
                own.set(key.substring(OF_TOPOLOGY.length() - PREFIX.length()), JSON.valueToTree(value));
            }
        });
        return own.isEmpty() ? "" : own.toString();
    }

    /** Whether plans may be carried out, of some topologies at least; the core may still find that they must not be. */
    public static boolean acts(Map<String, Object> conf) {
        String mode = String.valueOf(conf.get("thalweg.mode")).trim();
        return "act".equalsIgnoreCase(mode) || "confirm".equalsIgnoreCase(mode) || conf.get("thalweg.mode.rules") != null;
    }

    /** What has a Nimbus that begins to lead wait for one that stands still; empty where nothing does for long. */
    public static Optional<String> longWait(Map<String, Object> conf) {
        boolean several = conf.get(Config.NIMBUS_SEEDS) instanceof Collection<?> seeds && seeds.size() > 1;
        long millis = number(conf, Config.STORM_THRIFT_SOCKET_TIMEOUT_MS, Long.MAX_VALUE, 1);
        if (!several || millis <= LONGEST_WAIT_MILLIS) {
            return Optional.empty();
        }
        String set = millis == Long.MAX_VALUE ? "not set" : millis + "";
        return Optional.of(Config.STORM_THRIFT_SOCKET_TIMEOUT_MS + " is " + set + ": so long do supervisors, and a Nimbus"
            + " that begins to lead, wait for one that stands still; 10000 is enough");
    }

    /** A whole number of at least {@code least}; the default where it is absent or none. */
    public static long number(Map<String, Object> conf, String key, long absent, long least) {
        return conf.get(key) instanceof Number n && n.longValue() >= least ? n.longValue() : absent;
    }

    /** How long a topology of this configuration waits for a tuple before it is replayed. */
    public static long messageTimeoutMillis(Map<String, Object> topologyConf) {
        return 1000 * number(topologyConf, Config.TOPOLOGY_MESSAGE_TIMEOUT_SECS, DEFAULT_MESSAGE_TIMEOUT_SECS, 1);
    }

    private static String text(Map<String, Object> conf, String key) {
        return conf.get(key) instanceof String s && !s.isBlank() ? s : null;
    }

    private static Method method(Object value) {
        for (Method method : Method.values()) {
            if (method.name().replace('_', '-').equalsIgnoreCase(String.valueOf(value))) {
                return method;
            }
        }
        return Method.AUTO;
    }
}
