package io.thalweg.topologies.taxi;

import java.io.Serializable;
import java.util.Optional;

/**
 * A taxi trip; times in seconds since the epoch, by New York's clocks.
 *
 * @param from zone of the pickup
 * @param centimiles hundredths of a mile
 * @param cents all that was paid
 */
public record Trip(int id, long pickup, long dropoff, int from, int to, int centimiles, int cents)
        implements Serializable {
    /** January 2021. */
    private static final long FIRST_SECOND = 1_609_459_200;
    private static final long SECONDS = 31 * 86_400;
    private static final long LONGEST_SECONDS = 6 * 3_600;
    private static final int FARTHEST_CENTIMILES = 10_000;
    private static final int DEAREST_CENTS = 50_000;
    /** Faster than any road of the city allows. */
    private static final double FASTEST_MPH = 80;
    /** Dearer than any tariff. */
    private static final double DEAREST_PER_MILE = 50;

    /** Reads {@code trip,pickup,dropoff,from,to,centimiles,cents}; nothing when it is something else. */
    public static Optional<Trip> parse(String line) {
        String[] fields = line.split(",");
        if (fields.length != 7) {
            return Optional.empty();
        }
        try {
            return Optional.of(new Trip(Integer.parseInt(fields[0]), Long.parseLong(fields[1]),
                    Long.parseLong(fields[2]), Integer.parseInt(fields[3]), Integer.parseInt(fields[4]),
                    Integer.parseInt(fields[5]), Integer.parseInt(fields[6])));
        } catch (NumberFormatException e) {
            return Optional.empty();
        }
    }

    /** Whether it can have happened as it was recorded: some meters have wrong clocks, and some trips are corrections. */
    public boolean isSound() {
        long took = dropoff - pickup;
        return pickup >= FIRST_SECOND && pickup < FIRST_SECOND + SECONDS && took > 0 && took <= LONGEST_SECONDS
                && centimiles > 0 && centimiles <= FARTHEST_CENTIMILES && cents > 0 && cents <= DEAREST_CENTS;
    }

    /** Mean speed in miles per hour. */
    public double speed() {
        return centimiles * 36.0 / (dropoff - pickup);
    }

    /** Dollars per mile. */
    public double farePerMile() {
        return (double) cents / centimiles;
    }

    /** The name of its route. */
    public String route() {
        return Route.name(from, to);
    }

    /** Whether speed or fare are hard to believe. */
    public boolean isAnomalous() {
        return speed() > FASTEST_MPH || farePerMile() > DEAREST_PER_MILE;
    }
}
