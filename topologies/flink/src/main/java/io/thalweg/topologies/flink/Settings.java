package io.thalweg.topologies.flink;

import io.thalweg.topologies.Work;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What a {@link WordCount} or {@link Taxi} may be told.
 *
 * @param name the job's name
 * @param bootstrap Kafka's address
 * @param topic the topic of lines, {@code "<sequence> word word ..."}
 * @param group the consumer group whose committed offsets tell what was processed
 * @param rate lines per second made by the job itself, instead of read from Kafka
 * @param speedup how many times faster than in truth trips are replayed by the job itself, instead of read from Kafka
 * @param copies how often each of these trips is sent
 * @param sources parallelism of the source
 * @param split parallelism of the splitting step
 * @param count parallelism of the counting step
 * @param chained whether the source and the splitting step are one vertex
 * @param rigid whether the splitting step runs with no other parallelism
 * @param countGroup slot sharing group of the counting step; that of the others when absent
 * @param maxParallelism key groups, the most that any parallelism can become
 * @param splitCost milliseconds of CPU burnt for each line
 * @param splitWait milliseconds waited for each line, which keep a subtask busy but not the processor
 * @param countCost milliseconds of CPU burnt for each word
 * @param iterationsPerMilli turns of the burning loop that make a millisecond on an unthrottled core
 * @param out folder for the journals of {@link CountJournal}; none are kept when absent
 * @param configuration keys with a dot, for the job's configuration
 */
record Settings(
        String name, String bootstrap, String topic, String group, double rate, double speedup, int copies,
        int sources, int split, int count, boolean chained, boolean rigid, Optional<String> countGroup, int maxParallelism,
        double splitCost, double splitWait, double countCost, long iterationsPerMilli,
        Optional<String> out, Map<String, String> configuration) {

    private static final Set<String> KEYS = Set.of("name", "bootstrap", "topic", "group", "rate", "speedup", "copies", "sources", "split",
            "count", "chained", "rigid", "countGroup", "maxParallelism", "splitCost", "splitWait", "countCost", "iterationsPerMilli", "out");

    /**
     * Reads {@code key=value} pairs.
     *
     * @throws IllegalArgumentException for an unknown key or a value that is no number where one is needed
     */
    static Settings parse(String... arguments) {
        Map<String, String> own = new HashMap<>();
        Map<String, String> configuration = new HashMap<>();
        for (String argument : arguments) {
            int equals = argument.indexOf('=');
            if (equals <= 0) {
                throw new IllegalArgumentException("not key=value: " + argument);
            }
            String key = argument.substring(0, equals);
            if (!key.contains(".") && !KEYS.contains(key)) {
                throw new IllegalArgumentException("unknown key: " + key);
            }
            (key.contains(".") ? configuration : own).put(key, argument.substring(equals + 1));
        }
        return of(own, configuration);
    }

    private static Settings of(Map<String, String> own, Map<String, String> configuration) {
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
                Double.parseDouble(own.getOrDefault("rate", "0")),
                Double.parseDouble(own.getOrDefault("speedup", "0")),
                number(own, "copies", 1),
                number(own, "sources", 1),
                number(own, "split", 1),
                number(own, "count", 1),
                Boolean.parseBoolean(own.get("chained")),
                Boolean.parseBoolean(own.get("rigid")),
                Optional.ofNullable(own.get("countGroup")),
                number(own, "maxParallelism", 128),
                splitCost,
                Double.parseDouble(own.getOrDefault("splitWait", "0")),
                countCost,
                perMilli != null ? Long.parseLong(perMilli) : burns ? Work.calibrate() : 0,
                Optional.ofNullable(own.get("out")),
                Map.copyOf(configuration));
    }

    private static int number(Map<String, String> own, String key, int absent) {
        return Integer.parseInt(own.getOrDefault(key, Integer.toString(absent)));
    }
}
