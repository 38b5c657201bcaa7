package io.thalweg.topologies.taxi;

import java.io.Serializable;
import java.util.Comparator;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * How many trips went from one zone to another within one window.
 *
 * @param name {@code <from>><to>}
 * @param start of the window
 */
public record Route(String name, long start, long trips) implements Serializable {
    /** How many of a window's routes count as its top. */
    public static final int TOP = 10;
    private static final Comparator<Map.Entry<String, Long>> BUSIEST =
            Map.Entry.<String, Long>comparingByValue().reversed().thenComparing(Map.Entry.comparingByKey());

    /** Names a route. */
    public static String name(int from, int to) {
        return from + ">" + to;
    }

    /** Names the top routes of a window. */
    public static String key(long start) {
        return "routes@" + start;
    }

    /** The busiest of a window's routes, as journals hold them: {@code <from>><to>:<trips>|...}. */
    public static String top(Map<String, Long> trips) {
        return trips.entrySet().stream().sorted(BUSIEST).limit(TOP)
                .map(route -> route.getKey() + ":" + route.getValue()).collect(Collectors.joining("|"));
    }
}
