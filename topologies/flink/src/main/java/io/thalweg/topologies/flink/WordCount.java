package io.thalweg.topologies.flink;

import io.thalweg.topologies.Pause;
import io.thalweg.topologies.Work;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.connector.source.util.ratelimit.RateLimiterStrategy;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.datagen.source.DataGeneratorSource;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.DataStreamSource;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * Counts words: {@code source -> split (any subtask) -> count (by word)}, each a vertex of its own.
 *
 * <p>Arguments are {@code key=value} pairs, see {@link Settings}. A key with a dot goes into the job's configuration.
 */
public final class WordCount {
    private WordCount() {}

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
        if (!settings.chained()) {
            // A vertex for each step, so that each can have its own parallelism.
            environment.disableOperatorChaining();
        }
        Work splitWork = Work.ofMillis(settings.splitCost(), settings.iterationsPerMilli());
        Work countWork = Work.ofMillis(settings.countCost(), settings.iterationsPerMilli());
        Split split = new Split(splitWork, Pause.ofMillis(settings.splitWait()));
        DataStream<String> lines =
                source(environment, settings).name("source").uid("source").setParallelism(settings.sources());
        var counts = (settings.chained() ? lines : lines.rebalance())
                .flatMap(settings.rigid() ? new RigidSplit(split, settings.split()) : split).returns(Types.STRING)
                .name("split").uid("split").setParallelism(settings.split())
                .keyBy(word -> word, Types.STRING)
                .process(new Count(countWork, settings.out().orElse(null)))
                .name("count").uid("count").setParallelism(settings.count());
        settings.countGroup().ifPresent(counts::slotSharingGroup);
    }

    private static DataStreamSource<String> source(StreamExecutionEnvironment environment, Settings settings) {
        if (settings.rate() > 0) {
            var lines = new DataGeneratorSource<>(
                    new Lines(), Long.MAX_VALUE, RateLimiterStrategy.perSecond(settings.rate()), Types.STRING);
            return environment.fromSource(lines, WatermarkStrategy.noWatermarks(), "source");
        }
        return environment.fromSource(KafkaLines.of(settings), WatermarkStrategy.noWatermarks(), "source");
    }
}
