package io.thalweg.topologies.flink;

import io.thalweg.topologies.Pause;
import io.thalweg.topologies.taxi.Partial;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/**
 * Lets each partial of a zone through once. Batches follow on each other, slides within a batch too, and a partition of
 * Kafka keeps their order: so what comes again is never behind the last one that came. Nothing of this is forgotten with
 * time, as a job that starts anew in the midst of partials that come again does not know yet how late it is.
 */
final class Once extends KeyedProcessFunction<Integer, Partial, Partial> {
    private static final long serialVersionUID = 2;

    private final Pause pause;
    /** Batch and slide of the last one. */
    private transient ValueState<Tuple2<Long, Long>> last;

    Once(Pause pause) {
        this.pause = pause;
    }

    @Override
    public void open(OpenContext context) {
        last = getRuntimeContext().getState(new ValueStateDescriptor<>("last", Types.TUPLE(Types.LONG, Types.LONG)));
    }

    @Override
    public void processElement(Partial partial, Context context, Collector<Partial> partials) throws Exception {
        pause.take();
        if (follows(partial, last.value())) {
            last.update(Tuple2.of(partial.batch(), partial.slide()));
            partials.collect(partial);
        }
    }

    /** Whether a partial is behind the batch and slide of another one; null if there was none. */
    static boolean follows(Partial partial, Tuple2<Long, Long> last) {
        return last == null || partial.batch() > last.f0 || partial.batch() == last.f0 && partial.slide() > last.f1;
    }
}
