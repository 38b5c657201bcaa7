package io.thalweg.topologies.flink;

import io.thalweg.topologies.Pause;
import io.thalweg.topologies.Work;
import io.thalweg.topologies.taxi.Demand;
import io.thalweg.topologies.taxi.Month;
import io.thalweg.topologies.taxi.Route;
import io.thalweg.topologies.taxi.Trip;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.datagen.source.DataGeneratorSource;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.windowing.assigners.SlidingEventTimeWindows;
import org.apache.flink.streaming.api.windowing.assigners.TumblingEventTimeWindows;

/**
 * Demand, revenue and anomalies of taxi zones in sliding windows of an hour, and each window's top routes:
 * {@code source -> clean (any subtask) -> demand (by zone)}, and {@code clean -> routes (by route) -> top (by window)}.
 * A few zones have most of the trips, so the skew is real.
 *
 * <p>Arguments are {@code key=value} pairs as for {@link WordCount}: {@code split} and {@code count} are the parallelism
 * of cleaning and of what follows, and the costs of cleaning and of demand. With {@code speedup} the trips are a source
 * of the job's own, replayed by pickup time so many times faster, each {@code copies} times, and the job ends with them;
 * else lines of trips come from Kafka.
 */
public final class Taxi {
    /** Pickups are in order in each partition, and time goes by the slowest of them. */
    private static final Duration LATENESS = Duration.ofMinutes(1);

    private Taxi() {}

    /** Submits the job to the cluster that runs this program. */
    public static void main(String[] arguments) throws Exception {
        Settings settings = Settings.parse(arguments);
        var environment = StreamExecutionEnvironment.getExecutionEnvironment(
                Configuration.fromMap(settings.configuration()));
        build(environment, settings);
        environment.execute(settings.name());
    }

    static void build(StreamExecutionEnvironment environment, Settings settings) {
        environment.setMaxParallelism(settings.maxParallelism());
        environment.disableOperatorChaining();
        Work cleanWork = Work.ofMillis(settings.splitCost(), settings.iterationsPerMilli());
        Work demandWork = Work.ofMillis(settings.countCost(), settings.iterationsPerMilli());
        String out = settings.out().orElse(null);
        DataStream<Trip> trips = source(environment, settings)
                .rebalance()
                .flatMap(new Clean(cleanWork, Pause.ofMillis(settings.splitWait())))
                .returns(TypeInformation.of(Trip.class))
                .name("clean").uid("clean").setParallelism(settings.split());
        trips.keyBy(Trip::from, Types.INT)
                .window(windows())
                .aggregate(new Summed(demandWork), new Reported<Demand, Integer>("demand", out, Taxi::demand),
                        TypeInformation.of(Demand.class), TypeInformation.of(Demand.class), Types.STRING)
                .name("demand").uid("demand").setParallelism(settings.count());
        trips.keyBy(Trip::route, Types.STRING)
                .window(windows())
                .aggregate(new Counted(), new Windowed(), Types.LONG, TypeInformation.of(Route.class))
                .name("routes").uid("routes").setParallelism(settings.count())
                .keyBy(Route::start, Types.LONG)
                // All results of a window have the time of its end, so they fall into the slide that ends with it.
                .window(TumblingEventTimeWindows.of(Duration.ofSeconds(Demand.SLIDE)))
                .process(new Reported<Route, Long>("routes", out, Taxi::topRoutes), Types.STRING)
                .name("top").uid("top").setParallelism(settings.count());
    }

    static SlidingEventTimeWindows windows() {
        return SlidingEventTimeWindows.of(Duration.ofSeconds(Demand.WINDOW), Duration.ofSeconds(Demand.SLIDE));
    }

    static String demand(int zone, long end, Iterable<Demand> demand) {
        return Month.key(zone, end - Demand.WINDOW) + "=" + demand.iterator().next();
    }

    private static String topRoutes(long start, long end, Iterable<Route> routes) {
        Map<String, Long> trips = new HashMap<>();
        routes.forEach(route -> trips.put(route.name(), route.trips()));
        return Route.key(start) + "=" + Route.top(trips);
    }

    private static DataStream<String> source(StreamExecutionEnvironment environment, Settings settings) {
        if (settings.speedup() > 0) {
            Replay replay = new Replay(settings.speedup(), settings.copies());
            var trips = new DataGeneratorSource<>(replay, replay.count(), Types.STRING);
            return environment.fromSource(trips, time(), "source")
                    .uid("source").setParallelism(1);
        }
        return environment.fromSource(KafkaLines.of(settings), time(), "source")
                .uid("source").setParallelism(settings.sources());
    }

    /** Time is that of pickups; trips with a wrong clock do not move it. */
    private static WatermarkStrategy<String> time() {
        return WatermarkStrategy.<String>forBoundedOutOfOrderness(LATENESS).withTimestampAssigner((line, before) ->
                Trip.parse(line).filter(Trip::isSound).map(trip -> 1_000 * trip.pickup()).orElse(0L));
    }
}
