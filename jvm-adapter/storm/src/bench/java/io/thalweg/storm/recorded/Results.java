package io.thalweg.storm.recorded;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Predicate;

/** What was measured, as a table and as a file. */
final class Results {
    private static final Map<String, String> UNITS = Map.of("time", "ms", "resubmit_time", "ms", "repair_time", "ms",
        "scheduled", "%", "repair_scheduled", "%", "worst_load", "%", "mean_load", "%");
    private static final String[] COLUMNS = {"time", "scheduled", "nodes", "workers", "worst_load", "mean_load", "cross_node",
        "cross_node_pairs", "resubmit_time", "repair_time", "repair_lost", "repair_moved"};

    /** By cluster, side and measure. */
    private final Map<String, Map<String, Map<String, List<Double>>>> values = new TreeMap<>();
    private final Map<String, Side> sides = new LinkedHashMap<>();

    void add(String cluster, Side side, Map<String, Double> measured) {
        sides.putIfAbsent(side.name(), side);
        Map<String, List<Double>> own = values.computeIfAbsent(cluster, c -> new LinkedHashMap<>())
            .computeIfAbsent(side.name(), s -> new TreeMap<>());
        measured.forEach((measure, value) -> own.computeIfAbsent(measure, m -> new ArrayList<>()).add(value));
    }

    void print(PrintStream out) {
        values.forEach((cluster, bySide) -> {
            out.printf("%n%s, medians%n%-16s", cluster, "");
            for (String column : COLUMNS) {
                out.printf(" %16s", column + (UNITS.containsKey(column) ? " " + UNITS.get(column) : ""));
            }
            out.println();
            bySide.forEach((side, measured) -> {
                out.printf("%-16s", side);
                for (String column : COLUMNS) {
                    out.printf(" %16.1f", median(measured.get(column)));
                }
                out.println();
            });
        });
        out.println();
        ratios().forEach((name, ratio) -> out.printf("%-32s %8.2f (%.2f..%.2f)%n", name, ratio.get("median"), ratio.get("min"),
            ratio.get("max")));
    }

    void write(Path file, double seconds) throws IOException {
        Map<String, Object> measures = new LinkedHashMap<>();
        values.forEach((cluster, bySide) -> bySide.forEach((side, measured) -> measured.forEach((measure, list) -> {
            Map<String, Object> summary = new LinkedHashMap<>(summary(list));
            summary.put("n", list.size());
            summary.put("unit", UNITS.getOrDefault(measure, ""));
            measures.put(cluster + "." + side + "." + measure, summary);
        })));
        Map<String, Object> report = new LinkedHashMap<>();
        report.put("name", "place");
        report.put("commit", System.getProperty("commit", "unknown"));
        report.put("machine", System.getProperty("os.name") + " " + System.getProperty("os.arch") + ", "
            + Runtime.getRuntime().availableProcessors() + " cores, JDK " + System.getProperty("java.version"));
        report.put("seconds", seconds);
        report.put("measures", measures);
        report.put("ratios", ratios());
        Files.createDirectories(file.toAbsolutePath().getParent());
        new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT).writeValue(file.toFile(), report);
    }

    /** What is gained by Thalweg: above 1 it is better. */
    private Map<String, Map<String, Double>> ratios() {
        Map<String, Map<String, Double>> ratios = new LinkedHashMap<>();
        values.forEach((cluster, bySide) -> {
            Map<String, List<Double>> ours = bySide.get(Side.THALWEG);
            if (ours == null) {
                return;
            }
            for (String other : new String[] {"even", "default"}) {
                if (bySide.containsKey(other)) {
                    ratios.put(cluster + "." + other + "_time", ratio(bySide.get(other).get("time"), ours.get("time")));
                }
            }
            // RAS counts by the strategy that is best, of those that schedule everything.
            for (String measure : new String[] {"time", "resubmit_time", "repair_time", "cross_node", "cross_node_pairs",
                "worst_load", "nodes"}) {
                best(bySide, measure).ifPresent(best ->
                    ratios.put(cluster + ".ras_" + measure, ratio(best.get(measure), ours.get(measure))));
            }
        });
        return ratios;
    }

    private Optional<Map<String, List<Double>>> best(Map<String, Map<String, List<Double>>> bySide, String measure) {
        Predicate<String> complete = side -> sides.get(side).isRas() && Collections.min(bySide.get(side).get("scheduled")) > 99.999;
        return bySide.keySet().stream().filter(complete).map(bySide::get)
            .min(Comparator.comparingDouble(measured -> median(measured.get(measure))));
    }

    private static Map<String, Double> ratio(List<Double> other, List<Double> ours) {
        Map<String, Double> ratio = new LinkedHashMap<>();
        ratio.put("median", median(other) / median(ours));
        ratio.put("min", Collections.min(other) / Collections.max(ours));
        ratio.put("max", Collections.max(other) / Collections.min(ours));
        return ratio;
    }

    private static Map<String, Double> summary(List<Double> list) {
        Map<String, Double> summary = new LinkedHashMap<>();
        summary.put("median", median(list));
        summary.put("min", Collections.min(list));
        summary.put("max", Collections.max(list));
        return summary;
    }

    private static double median(List<Double> list) {
        List<Double> sorted = new ArrayList<>(list);
        Collections.sort(sorted);
        int middle = sorted.size() / 2;
        return sorted.size() % 2 == 1 ? sorted.get(middle) : (sorted.get(middle - 1) + sorted.get(middle)) / 2;
    }
}
