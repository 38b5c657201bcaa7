package io.thalweg.topologies.flink;

import io.thalweg.topologies.Pause;
import io.thalweg.topologies.taxi.Demand;
import io.thalweg.topologies.taxi.Partial;
import java.time.Duration;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.util.Collector;

/**
 * The same demand, revenue and anomalies of taxi zones as {@link Taxi}, of what the edge has cleaned and summed before:
 * {@code source -> once (by zone) -> demand (by zone)}. It comes to the same as the trips would one by one.
 *
 * <p>Arguments are {@code key=value} pairs as for {@link WordCount}: {@code split} and {@code count} are the parallelism
 * of {@code once} and {@code demand}, {@code splitWait} what each partial waits for in the former.
 */
public final class TaxiCloud {
    /** Each batch is written in the order of slides. */
    private static final Duration LATENESS = Duration.ofSeconds(Demand.SLIDE);

    private TaxiCloud() {}

    /** Submits the job to the cluster that runs this program. */
    public static void main(String[] arguments) throws Exception {
        Settings settings = Settings.parse(arguments);
        var environment = StreamExecutionEnvironment.getExecutionEnvironment(
                Configuration.fromMap(settings.configuration()));
        environment.setMaxParallelism(settings.maxParallelism());
        environment.disableOperatorChaining();
        environment.fromSource(KafkaLines.of(settings), time(), "source")
                .uid("source").setParallelism(settings.sources())
                .flatMap((String line, Collector<Partial> partials) -> Partial.parse(line).ifPresent(partials::collect))
                .returns(TypeInformation.of(Partial.class))
                .name("read").uid("read").setParallelism(settings.sources())
                .keyBy(Partial::zone, Types.INT)
                .process(new Once(Pause.ofMillis(settings.splitWait())), TypeInformation.of(Partial.class))
                .name("once").uid("once").setParallelism(settings.split())
                .keyBy(Partial::zone, Types.INT)
                .window(Taxi.windows())
                .aggregate(new Merged(), new Reported<Demand, Integer>("demand", settings.out().orElse(null), Taxi::demand),
                        TypeInformation.of(Demand.class), TypeInformation.of(Demand.class), Types.STRING)
                .name("demand").uid("demand").setParallelism(settings.count());
        environment.execute(settings.name());
    }

    private static WatermarkStrategy<String> time() {
        return WatermarkStrategy.<String>forBoundedOutOfOrderness(LATENESS).withTimestampAssigner((line, before) ->
                Partial.parse(line).map(partial -> 1_000 * partial.slide()).orElse(0L));
    }
}
