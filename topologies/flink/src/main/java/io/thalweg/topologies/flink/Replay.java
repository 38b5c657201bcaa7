package io.thalweg.topologies.flink;

import io.thalweg.topologies.taxi.Month;
import io.thalweg.topologies.taxi.Trip;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.apache.flink.connector.datagen.source.GeneratorFunction;

/** The trips of a month at the pace of their pickups, faster by a factor, and each several times. */
final class Replay implements GeneratorFunction<Long, String> {
    private static final long serialVersionUID = 1;
    /** Longer pauses are cut short, as a checkpoint would have to wait for their ends. */
    private static final double LONGEST_NANOS = 50e6;
    private static final double NANOS = 1e9;

    private final double speedup;
    private final int copies;

    Replay(double speedup, int copies) {
        this.speedup = speedup;
        this.copies = copies;
    }

    /** How many lines there are. */
    long count() {
        return (long) Month.lines().size() * copies;
    }

    @Override
    public String map(Long index) {
        List<String> lines = Month.lines();
        int line = (int) (index / copies);
        if (line > 0 && index % copies == 0) {
            double nanos = (pickup(lines.get(line)) - pickup(lines.get(line - 1))) / speedup * NANOS;
            LockSupport.parkNanos((long) Math.max(0, Math.min(nanos, LONGEST_NANOS)));
        }
        return lines.get(line);
    }

    private static long pickup(String line) {
        return Trip.parse(line).map(Trip::pickup).orElse(0L);
    }
}
