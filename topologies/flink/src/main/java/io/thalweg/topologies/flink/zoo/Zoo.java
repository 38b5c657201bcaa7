package io.thalweg.topologies.flink.zoo;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.connector.source.util.ratelimit.RateLimiterStrategy;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.datagen.source.DataGeneratorSource;
import org.apache.flink.streaming.api.datastream.AsyncDataStream;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.streaming.api.windowing.assigners.TumblingProcessingTimeWindows;

/**
 * Jobs of the kinds that people run: each is small, and shows what a scheduler may take for something else.
 *
 * <p>Arguments are {@code key=value} pairs: {@code name} names the job, by its kind, which a number may follow for several
 * of one ({@code plain-2}). {@code cost} names a file with the milliseconds that a record takes, for those whose load
 * changes. A key with a dot goes into the job's configuration.
 */
public final class Zoo {
    private static final Set<String> KEYS = Set.of("name", "cost");
    private static final double SLOW = 50;
    private static final int KEY_GROUPS = 32;
    private static final long FEW = 200;

    /** Adds the steps of a job. */
    private interface Member {
        void build(StreamExecutionEnvironment environment);
    }

    private final Map<String, Member> members = new LinkedHashMap<>();
    private final String cost;

    private Zoo(String cost) {
        this.cost = cost;
        members.put("plain", Zoo::plain);
        members.put("single", Zoo::single);
        members.put("sides", Zoo::sides);
        members.put("rules", Zoo::rules);
        members.put("mixed", Zoo::mixed);
        members.put("groups", this::groups);
        members.put("asking", Zoo::asking);
        members.put("windowed", Zoo::windowed);
        members.put("timed", Zoo::timed);
        members.put("joined", Zoo::joined);
        members.put("legacy", Zoo::legacy);
        members.put("silent", Zoo::silent);
        members.put("fragile", this::busy);
        members.put("nightly", Zoo::plain);
        members.put("ending", Zoo::ending);
        members.put("failing", Zoo::failing);
        members.put("busy", this::busy);
    }

    /** Submits the job to the cluster that runs this program. */
    public static void main(String[] arguments) throws Exception {
        Map<String, String> own = new TreeMap<>();
        Map<String, String> configuration = new TreeMap<>();
        for (String argument : arguments) {
            int equals = argument.indexOf('=');
            String key = argument.substring(0, Math.max(0, equals));
            if (!key.contains(".") && !KEYS.contains(key)) {
                throw new IllegalArgumentException("unknown or not key=value: " + argument);
            }
            (key.contains(".") ? configuration : own).put(key, argument.substring(equals + 1));
        }
        var environment = StreamExecutionEnvironment.getExecutionEnvironment(Configuration.fromMap(configuration));
        String name = own.getOrDefault("name", "plain");
        if (kind(name).equals("sql")) {
            Sql.join(environment, name);
            return;
        }
        new Zoo(own.get("cost")).build(environment, name);
        environment.execute(name);
    }

    /** The kinds that there are besides SQL. */
    static Set<String> kinds() {
        return new Zoo(null).members.keySet();
    }

    /** A job's steps. */
    static void build(String name, StreamExecutionEnvironment environment) {
        new Zoo(null).build(environment, name);
    }

    private void build(StreamExecutionEnvironment environment, String name) {
        Member member = members.get(kind(name));
        if (member == null) {
            throw new IllegalArgumentException("no job " + name + ", but " + members.keySet());
        }
        environment.setMaxParallelism(KEY_GROUPS);
        if (!kind(name).equals("single")) {
            // A vertex for each step, so that each can have its own parallelism.
            environment.disableOperatorChaining();
        }
        member.build(environment);
    }

    private static String kind(String name) {
        return name.replaceAll("-[0-9]+$", "");
    }

    private static void plain(StreamExecutionEnvironment environment) {
        sink(relayed(numbers(environment, "source", SLOW), 1));
    }

    /** All steps are one vertex, source and sink too. */
    private static void single(StreamExecutionEnvironment environment) {
        plain(environment);
    }

    private static void sides(StreamExecutionEnvironment environment) {
        var sorted = numbers(environment, "source", 2 * SLOW).process(new Steps.Sort()).name("sort").uid("sort");
        relayed(sorted, 2).sinkTo(new DiscardingSink<>()).name("most").setParallelism(2);
        sorted.getSideOutput(Steps.Sort.MANY).rebalance().sinkTo(new DiscardingSink<>()).name("many").setParallelism(2);
        sorted.getSideOutput(Steps.Sort.SOME).rebalance().sinkTo(new DiscardingSink<>()).name("some").setParallelism(1);
        sorted.getSideOutput(Steps.Sort.FEW).rebalance().sinkTo(new DiscardingSink<>()).name("few").setParallelism(1);
    }

    private static void rules(StreamExecutionEnvironment environment) {
        var rules = numbers(environment, "rules", SLOW / 10).broadcast(Steps.Match.RULES);
        sink(numbers(environment, "source", 2 * SLOW).rebalance().connect(rules)
            .process(new Steps.Match()).name("match").uid("match").setParallelism(4));
    }

    /** One of its two sources ends soon. */
    private static void mixed(StreamExecutionEnvironment environment) {
        var history = source(environment, "history", SLOW, FEW);
        sink(relayed(numbers(environment, "source", SLOW).union(history), 2));
    }

    /** Two slot sharing groups, so that its subtasks never share all slots. */
    private void groups(StreamExecutionEnvironment environment) {
        var heavy = numbers(environment, "source", SLOW).rebalance()
            .map(new Steps.Slow(1, cost)).name("heavy").uid("heavy").setParallelism(2).slotSharingGroup("heavy");
        heavy.rebalance().sinkTo(new DiscardingSink<>()).name("sink").setParallelism(1).slotSharingGroup("default");
    }

    private static void asking(StreamExecutionEnvironment environment) {
        var numbers = numbers(environment, "source", SLOW);
        sink(AsyncDataStream.unorderedWait(numbers, new Steps.Ask(), 5, TimeUnit.SECONDS, 10)
            .name("ask").uid("ask").setParallelism(2));
    }

    /** A window over everything has one subtask, whatever comes. */
    private static void windowed(StreamExecutionEnvironment environment) {
        sink(numbers(environment, "source", SLOW).windowAll(TumblingProcessingTimeWindows.of(Duration.ofSeconds(2)))
            .reduce(Long::sum).name("window").uid("window"));
    }

    private static void timed(StreamExecutionEnvironment environment) {
        sink(numbers(environment, "source", SLOW).keyBy(number -> number % 10, Types.LONG)
            .process(new Steps.Timed()).name("timed").uid("timed").setParallelism(2));
    }

    private static void joined(StreamExecutionEnvironment environment) {
        var left = numbers(environment, "left", SLOW);
        var right = numbers(environment, "right", SLOW);
        sink(left.join(right).where(number -> number, Types.LONG).equalTo(number -> number, Types.LONG)
            .window(TumblingProcessingTimeWindows.of(Duration.ofSeconds(2)))
            .apply(Long::sum, Types.LONG).name("join").uid("join").setParallelism(2));
    }

    @SuppressWarnings("deprecation")
    private static void legacy(StreamExecutionEnvironment environment) {
        sink(relayed(environment.addSource(new Legacy(), "source", Types.LONG).setParallelism(1).uid("source"), 2));
    }

    /** Nothing ever comes. */
    private static void silent(StreamExecutionEnvironment environment) {
        sink(relayed(numbers(environment, "source", SLOW).filter(number -> false).name("filter").uid("filter"), 2));
    }

    /** It ends after a while. */
    private static void ending(StreamExecutionEnvironment environment) {
        sink(relayed(source(environment, "source", SLOW, 10 * FEW), 1));
    }

    private static void failing(StreamExecutionEnvironment environment) {
        sink(numbers(environment, "source", SLOW).map(new Steps.Fails(Duration.ofSeconds(8).toMillis()))
            .name("fails").uid("fails"));
    }

    /** One whose load changes. */
    private void busy(StreamExecutionEnvironment environment) {
        sink(numbers(environment, "source", 2 * SLOW).rebalance()
            .map(new Steps.Slow(1, cost)).name("heavy").uid("heavy").setParallelism(1));
    }

    private static DataStream<Long> numbers(StreamExecutionEnvironment environment, String name, double rate) {
        return source(environment, name, rate, Long.MAX_VALUE);
    }

    private static DataStream<Long> source(StreamExecutionEnvironment environment, String name, double rate, long count) {
        var numbers = new DataGeneratorSource<Long>(number -> number, count, RateLimiterStrategy.perSecond(rate), Types.LONG);
        return environment.fromSource(numbers, WatermarkStrategy.noWatermarks(), name).uid(name).setParallelism(1);
    }

    private static DataStream<Long> relayed(DataStream<Long> numbers, int parallelism) {
        return numbers.map(new Steps.Slow(1, null)).name("relay").uid("relay").setParallelism(parallelism);
    }

    private static void sink(DataStream<Long> numbers) {
        numbers.sinkTo(new DiscardingSink<>()).name("sink").setParallelism(1);
    }
}
