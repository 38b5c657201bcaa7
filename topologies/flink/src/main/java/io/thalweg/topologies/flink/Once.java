package io.thalweg.topologies.flink;

import io.thalweg.topologies.Pause;
import io.thalweg.topologies.taxi.Demand;
import io.thalweg.topologies.taxi.Partial;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/**
 * Lets each partial of a zone through once. Batches follow on each other, and a partition of Kafka keeps their order, so
 * what comes again is of a batch that is no later than the last one of its slide.
 */
final class Once extends KeyedProcessFunction<Integer, Partial, Partial> {
    private static final long serialVersionUID = 1;
    private static final long MILLIS = 1_000;

    private final Pause pause;
    /** The last batch by slide. */
    private transient MapState<Long, Long> last;

    Once(Pause pause) {
        this.pause = pause;
    }

    @Override
    public void open(OpenContext context) {
        last = getRuntimeContext().getMapState(new MapStateDescriptor<>("last", Types.LONG, Types.LONG));
    }

    @Override
    public void processElement(Partial partial, Context context, Collector<Partial> partials) throws Exception {
        pause.take();
        Long before = last.get(partial.slide());
        if (before != null && partial.batch() <= before) {
            return;
        }
        last.put(partial.slide(), partial.batch());
        if (before == null) {
            // All windows that it belongs to are over by then.
            context.timerService().registerEventTimeTimer(MILLIS * (partial.slide() + Demand.WINDOW + Demand.SLIDE));
        }
        partials.collect(partial);
    }

    @Override
    public void onTimer(long timestamp, OnTimerContext context, Collector<Partial> partials) throws Exception {
        last.remove(timestamp / MILLIS - Demand.WINDOW - Demand.SLIDE);
    }
}
