package io.thalweg.topologies.flink.zoo;

import org.apache.flink.streaming.api.functions.source.legacy.ParallelSourceFunction;

/** A source of the old kind, of which Flink knows no busy time. */
@SuppressWarnings("deprecation") // which is why it is here: people have such sources
final class Legacy implements ParallelSourceFunction<Long> {
    private static final long serialVersionUID = 1;
    private static final long EACH_MILLIS = 20;

    private volatile boolean over;

    @Override
    public void run(SourceContext<Long> context) throws InterruptedException {
        for (long number = 0; !over; number++) {
            synchronized (context.getCheckpointLock()) {
                context.collect(number);
            }
            Thread.sleep(EACH_MILLIS);
        }
    }

    @Override
    public void cancel() {
        over = true;
    }
}
