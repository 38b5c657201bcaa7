package io.thalweg.topologies.flink.zoo;

import io.thalweg.topologies.Pause;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collections;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.functions.RichMapFunction;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.streaming.api.functions.ProcessFunction;
import org.apache.flink.streaming.api.functions.async.ResultFuture;
import org.apache.flink.streaming.api.functions.async.RichAsyncFunction;
import org.apache.flink.streaming.api.functions.co.BroadcastProcessFunction;
import org.apache.flink.util.Collector;
import org.apache.flink.util.OutputTag;

/** What the zoo's jobs are made of. */
final class Steps {
    private Steps() {}

    /** Hands on what it gets, a fixed time later for each record; a file may hold another time in milliseconds. */
    static final class Slow extends RichMapFunction<Long, Long> {
        private static final long serialVersionUID = 1;
        private static final long LOOK_MILLIS = 1_000;

        private final double millis;
        private final String file;
        private transient Pause pause;
        private transient double now;
        private transient long nextLook;

        /** Null means no file. */
        Slow(double millis, String file) {
            this.millis = millis;
            this.file = file;
        }

        @Override
        public void open(OpenContext context) {
            now = millis;
            pause = Pause.ofMillis(now);
        }

        @Override
        public Long map(Long number) {
            long time = System.currentTimeMillis();
            if (file != null && time >= nextLook) {
                nextLook = time + LOOK_MILLIS;
                double found = read();
                if (found != now) {
                    now = found;
                    pause = Pause.ofMillis(now);
                }
            }
            pause.take();
            return number;
        }

        private double read() {
            try {
                return Double.parseDouble(Files.readString(Path.of(file)).trim());
            } catch (IOException | NumberFormatException e) {
                return now; // not there yet, or just being written
            }
        }
    }

    /** Sends sixty of a hundred records on, 25 to one side, ten to another and four to a third. */
    static final class Sort extends ProcessFunction<Long, Long> {
        static final OutputTag<Long> MANY = new OutputTag<>("many", Types.LONG);
        static final OutputTag<Long> SOME = new OutputTag<>("some", Types.LONG);
        static final OutputTag<Long> FEW = new OutputTag<>("few", Types.LONG);

        private static final long serialVersionUID = 1;

        @Override
        public void processElement(Long number, Context context, Collector<Long> out) {
            long of = number % 100;
            if (of < 60) {
                out.collect(number);
            } else if (of < 85) {
                context.output(MANY, number);
            } else if (of < 95) {
                context.output(SOME, number);
            } else if (of < 99) {
                context.output(FEW, number);
            }
        }
    }

    /** Data under rules that all subtasks have. */
    static final class Match extends BroadcastProcessFunction<Long, Long, Long> {
        static final MapStateDescriptor<Long, Long> RULES = new MapStateDescriptor<>("rules", Types.LONG, Types.LONG);

        private static final long serialVersionUID = 1;
        private static final long KINDS = 10;

        @Override
        public void processElement(Long number, ReadOnlyContext context, Collector<Long> out) throws Exception {
            Long factor = context.getBroadcastState(RULES).get(number % KINDS);
            out.collect(factor == null ? number : number * factor);
        }

        @Override
        public void processBroadcastElement(Long rule, Context context, Collector<Long> out) throws Exception {
            context.getBroadcastState(RULES).put(rule % KINDS, rule);
        }
    }

    /** Answers that come from outside, a little later. */
    static final class Ask extends RichAsyncFunction<Long, Long> {
        private static final long serialVersionUID = 1;
        private static final long AFTER_MILLIS = 20;

        @Override
        public void asyncInvoke(Long number, ResultFuture<Long> answer) {
            CompletableFuture.delayedExecutor(AFTER_MILLIS, TimeUnit.MILLISECONDS)
                .execute(() -> answer.complete(Collections.singleton(number)));
        }
    }

    /** Says how many records of a key came in each second, when that is over and not when a record comes. */
    static final class Timed extends KeyedProcessFunction<Long, Long, Long> {
        private static final long serialVersionUID = 1;
        private static final long EACH = Duration.ofSeconds(1).toMillis();

        private transient ValueState<Long> count;

        @Override
        public void open(OpenContext context) {
            count = getRuntimeContext().getState(new ValueStateDescriptor<>("count", Types.LONG));
        }

        @Override
        public void processElement(Long number, Context context, Collector<Long> out) throws Exception {
            Long known = count.value();
            if (known == null) {
                context.timerService().registerProcessingTimeTimer(context.timerService().currentProcessingTime() + EACH);
            }
            count.update(known == null ? 1 : known + 1);
        }

        @Override
        public void onTimer(long time, OnTimerContext context, Collector<Long> out) throws Exception {
            out.collect(count.value());
            count.clear();
        }
    }

    /** Fails once in a while, so that its job starts again and again. */
    static final class Fails extends RichMapFunction<Long, Long> {
        private static final long serialVersionUID = 1;

        private final long eachMillis;
        private transient long end;

        Fails(long eachMillis) {
            this.eachMillis = eachMillis;
        }

        @Override
        public void open(OpenContext context) {
            end = System.currentTimeMillis() + eachMillis;
        }

        @Override
        public Long map(Long number) {
            if (System.currentTimeMillis() > end) {
                throw new IllegalStateException("as it should");
            }
            return number;
        }
    }
}
