package io.thalweg.topologies.taxi;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;

class MonthTest {
    /** New year's morning, 00:15:56: four minutes, 1.01 miles, 6.80 dollars. */
    private static final String FIRST = "0,1609460156,1609460392,43,151,101,680";

    @Test
    void aTripIsReadAndEnriched() {
        Trip trip = Trip.parse(FIRST).orElseThrow();
        assertTrue(trip.isSound());
        assertEquals(15.4, trip.speed(), 0.05);
        assertEquals(6.73, trip.farePerMile(), 0.01);
        assertFalse(trip.isAnomalous());
        assertTrue(Trip.parse("0,1609460156,1609460166,43,151,101,680").orElseThrow().isAnomalous(), "363 mph");
    }

    @Test
    void whatIsStrayOrNoTripIsLeftOut() {
        for (String stray : new String[] {
            "1,1230768000,1230768300,1,2,100,500", // another year
            "2,1609460392,1609460156,1,2,100,500", // ends before it begins
            "3,1609460156,1609460392,1,2,0,500", // goes nowhere
            "4,1609460156,1609460392,1,2,100,-500", // a correction
        }) {
            assertFalse(Trip.parse(stray).orElseThrow().isSound(), stray);
        }
        assertTrue(Trip.parse("not,a,trip").isEmpty());
        assertTrue(Trip.parse("a,1,2,3,4,5,6").isEmpty());
    }

    @Test
    void aSecondBelongsToFourWindows() {
        assertArrayEquals(new long[] {3_600, 2_700, 1_800, 900}, Month.windows(3_600));
        assertArrayEquals(new long[] {3_600, 2_700, 1_800, 900}, Month.windows(4_499));
    }

    @Test
    void aBatchSumsByZoneAndWindow() {
        String later = "1,1609460900,1609461500,43,7,300,1500";
        Map<String, Demand> windows = Month.batch(List.of(FIRST, later, "stray"));
        assertEquals(new Demand(2, 2_180, 0), windows.get("43@1609459200"));
        // Begins at 00:30, after both pickups, of which the second is at 00:28:20.
        assertFalse(windows.containsKey("43@1609461000"));
        // Begins at 00:15 and ends at 01:15.
        assertEquals(new Demand(2, 2_180, 0), windows.get("43@1609460100"));
        // Ends at 00:15, before both.
        assertFalse(windows.containsKey("43@1609456500"));
    }

    @Test
    void theTopRoutesAreThoseOfMostTripsAndThenInOrder() {
        List<String> trips = List.of(FIRST, "1,1609460156,1609460392,43,7,101,680", "2,1609460156,1609460392,43,7,101,680",
                "3,1609460156,1609460392,1,2,101,680", "stray");
        assertEquals("43>7:2|1>2:1|43>151:1", Month.topRoutes(trips).get("routes@1609459200"));
        Map<String, Long> many = LongStream.range(0, 30).boxed().collect(Collectors.toMap(n -> "1>" + n, n -> n));
        assertEquals(Route.TOP, Route.top(many).split("\\|").length);
        assertTrue(Route.top(many).startsWith("1>29:29|1>28:28|"));
    }

    @Test
    void theMonthIsThere() {
        assertEquals(73_908, Month.lines().size());
        long trips = Month.batch(Month.lines()).values().stream().mapToLong(Demand::trips).sum();
        assertEquals(0, trips % 4, "each trip lies in four windows");
        assertTrue(trips / 4 > 70_000, trips + " trips in windows");
    }
}
