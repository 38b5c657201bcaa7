package io.thalweg.storm.recorded;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * Storm's schedulers and Thalweg on the recorded production clusters of Storm's own tests, in one JVM, in turn.
 *
 * <p>Properties: {@code rounds}; {@code clusters} and {@code sides}, names divided by commas; {@code out}, the file.
 */
public final class PlaceBenchmark {
    private PlaceBenchmark() { }

    /** Runs all rounds, prints a table and writes the file. */
    public static void main(String[] args) throws Exception {
        int rounds = Integer.getInteger("rounds", 3);
        List<String> clusters = list("clusters", "01,02,03");
        List<String> names = list("sides", String.join(",", Side.ALL.stream().map(Side::name).toList()));
        List<Side> sides = Side.ALL.stream().filter(side -> names.contains(side.name())).toList();
        Results results = new Results();
        long begun = System.nanoTime();
        for (String number : clusters) {
            Recorded recorded = Recorded.load(number);
            System.out.printf("cluster%s: %d topologies, %d executors, %d nodes%n", number, recorded.topologies().length,
                recorded.executors(), recorded.supervisors().size());
            for (int round = 0; round < rounds; round++) {
                for (Side side : turned(sides, round)) {
                    Map<String, Double> measured = new Trial(recorded, side).run();
                    results.add("cluster" + number, side, measured);
                    System.out.printf("  round %d %-15s %9.1f ms, %6.2f %% scheduled%n", round + 1, side.name(),
                        measured.get("time"), measured.get("scheduled"));
                }
            }
        }
        results.print(System.out);
        results.write(Path.of(System.getProperty("out", "target/bench/place.json")), (System.nanoTime() - begun) / 1e9);
        System.exit(0);
    }

    /** Each round begins with another side, so that none always runs after the same. */
    private static List<Side> turned(List<Side> sides, int round) {
        List<Side> turned = new ArrayList<>(sides);
        java.util.Collections.rotate(turned, round);
        return turned;
    }

    private static List<String> list(String property, String all) {
        return Arrays.asList(System.getProperty(property, all).split(","));
    }
}
