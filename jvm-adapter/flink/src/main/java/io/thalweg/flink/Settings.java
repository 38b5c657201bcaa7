package io.thalweg.flink;

import io.thalweg.flink.rest.RestAccess;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ConfigOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.core.JsonProcessingException;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.ObjectMapper;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.node.ObjectNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.node.TextNode;

/**
 * The settings of Flink's configuration that this shell reads itself. The core validates all of them against its own
 * table and reports what is wrong; a value that cannot be used counts as absent here.
 *
 * @param level 2 places subtasks; 1 changes parallelism through REST only; 0 leaves Flink alone
 * @param mostCpuPercent how much of a core looks at many jobs may take
 * @param rest where the JobManager's REST interface is, and how it is spoken to
 * @param reactive whether Flink alone sets the parallelism of all jobs
 * @param withoutCheckpoints jobs, by name or id, that may be restarted although they could not be restored; or all
 * @param ownStore the folder for the store where the user named none; else null
 * @param forEngine all settings of interest to the core, as one flat JSON object
 */
public record Settings(int level, long monitorIntervalMillis, double mostCpuPercent, long stepTimeoutMillis,
        String libraryPath, RestAccess rest, boolean reactive, Set<String> withoutCheckpoints, Path ownStore, String forEngine) {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final String PREFIX = "thalweg.";
    /** Reads a list as Flink reads its own. */
    private static final ConfigOption<List<String>> LIST = ConfigOptions.key("list").stringType().asList().noDefaultValue();

    private static final String ALL_JOBS = "*";

    /** Flink restarts a job within a second where Storm takes many, so the loop may be quicker. */
    private static final ObjectNode DEFAULTS = defaults();

    /** Reads Flink's configuration, as texts by key. */
    public static Settings of(Map<String, String> configuration) {
        ObjectNode all = DEFAULTS.deepCopy();
        if ("1".equals(configuration.get("thalweg.flink.level"))) {
            // Only parallelism can be asked for: Flink chooses the slots.
            all.put("thalweg.placement.slots", "engine");
        }
        String local = configuration.getOrDefault("process.working-dir",
                configuration.getOrDefault("io.tmp.dirs", System.getProperty("java.io.tmpdir")).split("[,|:]")[0]);
        Path ownStore = Path.of(local, "thalweg");
        all.put("thalweg.store.dir", ownStore.toString());
        new TreeMap<>(configuration).forEach((key, value) -> {
            if (key.startsWith(PREFIX)) {
                // A password may look like a list.
                all.set(key, key.endsWith(".password") ? new TextNode(value) : typed(value));
            }
        });
        return new Settings(
                (int) number(all, "thalweg.flink.level", 2, 0),
                1000 * number(all, "thalweg.monitor.interval.secs", 1, 1),
                number(all, "thalweg.monitor.max.cpu.percent", 2, 1),
                1000 * number(all, "thalweg.action.step.timeout.secs", 30, 1),
                text(all, "thalweg.native.library"),
                RestAccess.of(configuration),
                "reactive".equalsIgnoreCase(configuration.get("scheduler-mode")),
                withoutCheckpoints(all),
                configuration.containsKey("thalweg.store.dir") ? null : ownStore,
                all.toString());
    }

    private static Set<String> withoutCheckpoints(ObjectNode all) {
        Set<String> jobs = new HashSet<>();
        all.path("thalweg.flink.rescale.without.checkpoints.jobs").forEach(job -> jobs.add(job.asText()));
        if (all.path("thalweg.flink.rescale.without.checkpoints").asBoolean()) {
            jobs.add(ALL_JOBS);
        }
        return Set.copyOf(jobs);
    }

    /** Whether the user allows restarts of a job that could not be restored. */
    public boolean mayLoseState(String id, String name) {
        return withoutCheckpoints.contains(ALL_JOBS) || withoutCheckpoints.contains(id) || withoutCheckpoints.contains(name);
    }

    private static ObjectNode defaults() {
        try (InputStream found = Settings.class.getResourceAsStream("defaults.json")) {
            if (found == null) {
                throw new FileNotFoundException("the jar lacks io/thalweg/flink/defaults.json");
            }
            return (ObjectNode) JSON.readTree(found);
        } catch (IOException e) {
            throw new UncheckedIOException("defaults.json in Thalweg's jar", e);
        }
    }

    /**
     * Flink's values are texts, and the core takes numbers and flags as such: a password of digits stays what was
     * written. Only lists are read: in JSON, or as Flink writes down a list of its YAML file, with quotes only where YAML
     * needs them.
     */
    static JsonNode typed(String value) {
        if (!value.startsWith("[")) {
            return new TextNode(value);
        }
        try {
            return JSON.readTree(value);
        } catch (JsonProcessingException e) {
            List<String> list = Configuration.fromMap(Map.of(LIST.key(), value)).get(LIST);
            return list.equals(List.of(value)) ? new TextNode(value) : JSON.valueToTree(list);
        }
    }

    private static long number(ObjectNode all, String key, long absent, long least) {
        try {
            long value = (long) Double.parseDouble(all.path(key).asText());
            return value >= least ? value : absent;
        } catch (NumberFormatException e) {
            return absent;
        }
    }

    private static String text(ObjectNode all, String key) {
        JsonNode value = all.path(key);
        return value.isTextual() && !value.asText().isBlank() ? value.asText() : null;
    }
}
