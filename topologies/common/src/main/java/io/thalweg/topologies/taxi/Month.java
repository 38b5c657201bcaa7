package io.thalweg.topologies.taxi;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.GZIPInputStream;

/** The trips of a month, by pickup time, and what all of them come to. */
public final class Month {
    private static final String RESOURCE = "/taxi/green_2021-01.csv.gz";

    private static List<String> lines;

    private Month() {}

    /** Every line without the header, stray trips included; read once per class loader. */
    public static synchronized List<String> lines() {
        if (lines == null) {
            try (InputStream packed = Month.class.getResourceAsStream(RESOURCE);
                    BufferedReader text = new BufferedReader(
                            new InputStreamReader(new GZIPInputStream(packed), StandardCharsets.UTF_8))) {
                lines = text.lines().skip(1).toList();
            } catch (IOException e) {
                throw new UncheckedIOException(RESOURCE, e);
            }
        }
        return lines;
    }

    /** Demand by {@code <zone>@<start of the window>}, computed at one go: what a stream must come to as well. */
    public static Map<String, Demand> batch(Iterable<String> lines) {
        Map<String, Demand> windows = new TreeMap<>();
        for (String line : lines) {
            Trip.parse(line).filter(Trip::isSound).ifPresent(trip -> {
                for (long start : windows(trip.pickup())) {
                    windows.merge(key(trip.from(), start), Demand.NONE.plus(trip), Demand::plus);
                }
            });
        }
        return windows;
    }

    /** The top routes by {@code routes@<start of the window>}, computed at one go. */
    public static Map<String, String> topRoutes(Iterable<String> lines) {
        Map<Long, Map<String, Long>> windows = new TreeMap<>();
        for (String line : lines) {
            Trip.parse(line).filter(Trip::isSound).ifPresent(trip -> {
                for (long start : windows(trip.pickup())) {
                    windows.computeIfAbsent(start, s -> new TreeMap<>()).merge(trip.route(), 1L, Long::sum);
                }
            });
        }
        Map<String, String> top = new TreeMap<>();
        windows.forEach((start, routes) -> top.put(Route.key(start), Route.top(routes)));
        return top;
    }

    /** The starts of the windows that a second belongs to. */
    public static long[] windows(long second) {
        long last = Math.floorDiv(second, Demand.SLIDE) * Demand.SLIDE;
        long[] starts = new long[(int) (Demand.WINDOW / Demand.SLIDE)];
        for (int i = 0; i < starts.length; i++) {
            starts[i] = last - i * Demand.SLIDE;
        }
        return starts;
    }

    /** Names a zone in a window. */
    public static String key(int zone, long start) {
        return zone + "@" + start;
    }

    /** Prints the batch, a window a line: {@code <zone>@<start> <trips>:<cents>:<anomalies>}, then the top routes. */
    public static void main(String[] arguments) {
        batch(lines()).forEach((window, demand) -> System.out.println(window + " " + demand));
        topRoutes(lines()).forEach((window, routes) -> System.out.println(window + " " + routes));
    }
}
