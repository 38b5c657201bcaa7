package io.thalweg.topologies.wordcount;

import io.thalweg.topologies.Work;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.storm.shade.net.minidev.json.JSONValue;
import org.apache.storm.shade.net.minidev.json.parser.ParseException;

/**
 * What a {@link WordCount} may be told.
 *
 * @param name the topology's name
 * @param bootstrap Kafka's address
 * @param topic the topic of lines, {@code "<sequence> word word ..."}
 * @param group the consumer group whose committed offsets tell what was processed
 * @param workers worker processes asked for
 * @param spouts executors of the spout
 * @param split executors of the splitting bolt
 * @param splitTasks its tasks; left to the cluster when absent
 * @param count executors of the counting bolt
 * @param countTasks its tasks; left to the cluster when absent
 * @param ackers executors that track tuples
 * @param splitCost milliseconds of CPU burnt for each line
 * @param splitWait milliseconds waited for each line, which keep an executor busy but not the processor
 * @param countCost milliseconds of CPU burnt for each word
 * @param iterationsPerMilli turns of the burning loop that make a millisecond on an unthrottled core
 * @param pending the most unacknowledged lines per spout task
 * @param timeoutSecs how long a line may stay unacknowledged before it is replayed
 * @param out folder for the journals of {@link SpoutJournal} and {@link CountBolt}; none are kept when absent
 * @param configuration keys with a dot, for the topology's configuration; lists and maps as JSON
 */
record Settings(
        String name, String bootstrap, String topic, String group,
        int workers, int spouts, int split, Optional<Integer> splitTasks,
        int count, Optional<Integer> countTasks, int ackers,
        double splitCost, double splitWait, double countCost, long iterationsPerMilli,
        int pending, int timeoutSecs, Optional<String> out, Map<String, Object> configuration) {

    private static final Set<String> KEYS = Set.of("name", "bootstrap", "topic", "group", "workers", "spouts", "split",
            "splitTasks", "count", "countTasks", "ackers", "splitCost", "splitWait", "countCost", "iterationsPerMilli",
            "pending", "timeout", "out");

    /**
     * Reads {@code key=value} pairs.
     *
     * @throws IllegalArgumentException for an unknown key or a value that is no number where one is needed
     */
    static Settings parse(String... arguments) {
        Map<String, String> own = new LinkedHashMap<>();
        Map<String, Object> configuration = new LinkedHashMap<>();
        for (String argument : arguments) {
            int equals = argument.indexOf('=');
            if (equals <= 0) {
                throw new IllegalArgumentException("not key=value: " + argument);
            }
            String key = argument.substring(0, equals);
            String value = argument.substring(equals + 1);
            if (key.contains(".")) {
                configuration.put(key, typed(value));
            } else if (KEYS.contains(key)) {
                own.put(key, value);
            } else {
                throw new IllegalArgumentException("unknown key: " + key);
            }
        }
        return of(own, configuration);
    }

    private static Settings of(Map<String, String> own, Map<String, Object> configuration) {
        String name = own.getOrDefault("name", "wordcount");
        double splitCost = Double.parseDouble(own.getOrDefault("splitCost", "0"));
        double countCost = Double.parseDouble(own.getOrDefault("countCost", "0"));
        boolean burns = splitCost > 0 || countCost > 0;
        String perMilli = own.get("iterationsPerMilli");
        return new Settings(
                name,
                own.getOrDefault("bootstrap", "127.0.0.1:9092"),
                own.getOrDefault("topic", "lines"),
                own.getOrDefault("group", name),
                number(own, "workers", 1),
                number(own, "spouts", 1),
                number(own, "split", 1),
                optional(own, "splitTasks"),
                number(own, "count", 1),
                optional(own, "countTasks"),
                number(own, "ackers", 1),
                splitCost,
                Double.parseDouble(own.getOrDefault("splitWait", "0")),
                countCost,
                perMilli != null ? Long.parseLong(perMilli) : burns ? Work.calibrate() : 0,
                number(own, "pending", 500),
                number(own, "timeout", 30),
                Optional.ofNullable(own.get("out")),
                Map.copyOf(configuration));
    }

    private static int number(Map<String, String> own, String key, int absent) {
        return optional(own, key).orElse(absent);
    }

    private static Optional<Integer> optional(Map<String, String> own, String key) {
        return Optional.ofNullable(own.get(key)).map(Integer::valueOf);
    }

    /** Storm checks the types of configuration values, so a number may not arrive as text. */
    private static Object typed(String value) {
        if (value.matches("true|false")) {
            return Boolean.valueOf(value);
        }
        if (value.matches("-?[0-9]+")) {
            return Long.valueOf(value);
        }
        if (value.matches("-?[0-9]+\\.[0-9]+")) {
            return Double.valueOf(value);
        }
        if (value.startsWith("{") || value.startsWith("[")) {
            return json(value);
        }
        return value;
    }

    private static Object json(String value) {
        try {
            return JSONValue.parseStrict(value);
        } catch (ParseException e) {
            throw new IllegalArgumentException("not JSON: " + value, e);
        }
    }
}
