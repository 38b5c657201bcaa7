package io.thalweg.topologies.taxi;

import java.io.Serializable;
import java.util.Optional;

/**
 * What one micro-batch at the edge saw of a zone within one slide of time. A batch that is done again after a failure has
 * the same number and comes to the same, so a partial is known by batch, zone and slide.
 *
 * @param slide its start in seconds since the epoch, by New York's clocks
 */
public record Partial(long batch, int zone, long slide, Demand demand) implements Serializable {
    /** Reads {@code batch,zone,slide,trips,cents,anomalies}; nothing when it is something else. */
    public static Optional<Partial> parse(String line) {
        String[] fields = line.split(",");
        if (fields.length != 6) {
            return Optional.empty();
        }
        try {
            Demand demand = new Demand(Long.parseLong(fields[3]), Long.parseLong(fields[4]), Long.parseLong(fields[5]));
            return Optional.of(new Partial(Long.parseLong(fields[0]), Integer.parseInt(fields[1]),
                    Long.parseLong(fields[2]), demand));
        } catch (NumberFormatException e) {
            return Optional.empty();
        }
    }
}
