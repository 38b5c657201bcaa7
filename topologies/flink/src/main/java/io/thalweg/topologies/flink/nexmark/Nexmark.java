package io.thalweg.topologies.flink.nexmark;

import io.thalweg.topologies.Pause;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;
import org.apache.flink.types.Row;

/**
 * A query of Nexmark in SQL over a bounded stream of events, whose outcome is written to a file; needs Flink's planner in
 * {@code lib/}.
 *
 * <p>Arguments are {@code key=value} pairs, see {@link Settings}. A key with a dot goes into the job's configuration.
 */
public final class Nexmark {
    private static final int KEY_GROUPS = 32;

    private Nexmark() {}

    /**
     * What a job may be told.
     *
     * @param name the job's name
     * @param query the name of the query
     * @param events how many events there are
     * @param rate how many of them come in a second
     * @param readWait milliseconds waited for each event as it is read
     * @param joinWait milliseconds waited for each pair that a query joins and asks to wait for
     * @param out the folder for the outcome, in a file of the job's name
     */
    record Settings(String name, String query, long events, double rate, double readWait, double joinWait, Path out) {
        private static final Set<String> KEYS = Set.of("name", "query", "events", "rate", "readWait", "joinWait", "out");

        /** Takes the settings out of all arguments. */
        static Settings take(Map<String, String> arguments) {
            for (String key : arguments.keySet()) {
                if (!KEYS.contains(key)) {
                    throw new IllegalArgumentException("unknown key: " + key);
                }
            }
            String query = arguments.getOrDefault("query", "q4");
            return new Settings(
                arguments.getOrDefault("name", query),
                query,
                Long.parseLong(arguments.getOrDefault("events", "10000")),
                Double.parseDouble(arguments.getOrDefault("rate", "250")),
                Double.parseDouble(arguments.getOrDefault("readWait", "0")),
                Double.parseDouble(arguments.getOrDefault("joinWait", "0")),
                Path.of(arguments.getOrDefault("out", ".")));
        }
    }

    /** Submits the job to the cluster that runs this program. */
    public static void main(String[] arguments) throws Exception {
        Map<String, String> own = new TreeMap<>();
        Map<String, String> configuration = new TreeMap<>();
        for (String argument : arguments) {
            int equals = argument.indexOf('=');
            if (equals <= 0) {
                throw new IllegalArgumentException("not key=value: " + argument);
            }
            String key = argument.substring(0, equals);
            (key.contains(".") ? configuration : own).put(key, argument.substring(equals + 1));
        }
        Settings settings = Settings.take(own);
        // Windows begin at whole minutes of this zone, on whatever machine.
        configuration.put("table.local-time-zone", "UTC");
        var environment = StreamExecutionEnvironment.getExecutionEnvironment(Configuration.fromMap(configuration));
        build(environment, settings);
        environment.execute(settings.name());
    }

    private static void build(StreamExecutionEnvironment environment, Settings settings) {
        environment.setMaxParallelism(KEY_GROUPS);
        StreamTableEnvironment tables = StreamTableEnvironment.create(environment);
        tables.createTemporarySystemFunction("WAITED", new Waited(Pause.ofMillis(settings.joinWait())));
        Tables.make(environment, tables, settings);
        tables.toChangelogStream(tables.sqlQuery(Queries.of(settings.query())))
            .keyBy((Row row) -> 0, Types.INT)
            .process(new Outcome(settings.out().resolve(settings.name()))).returns(Types.VOID)
            .name("outcome").uid("outcome").setParallelism(1).setMaxParallelism(1);
    }
}
