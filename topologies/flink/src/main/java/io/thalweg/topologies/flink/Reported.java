package io.thalweg.topologies.flink;

import io.thalweg.topologies.Journal;
import java.io.Serializable;
import java.util.Optional;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.streaming.api.functions.windowing.ProcessWindowFunction;
import org.apache.flink.streaming.api.windowing.windows.TimeWindow;
import org.apache.flink.util.Collector;

/**
 * Tells what a window came to, and keeps it in a journal if it is given a folder: {@code <kind>-*} has lines
 * {@code <epoch ms> <window>=<what it came to>,...}. A window that is done again after a failure has the same line again.
 */
final class Reported<I, K> extends ProcessWindowFunction<I, String, K, TimeWindow> implements Journaled {
    /** Says of a key's window, by its end in seconds, what it came to: {@code <window>=<what it came to>}. */
    interface Summary<I, K> extends Serializable {
        String of(K key, long end, Iterable<I> results);
    }

    private static final long serialVersionUID = 1;
    private static final long JOURNAL_MILLIS = 100;

    private final String kind;
    private final String out;
    private final Summary<I, K> summary;
    private transient StringBuilder done;
    private transient Journal journal;

    /** A null {@code out} keeps no journal. */
    Reported(String kind, String out, Summary<I, K> summary) {
        this.kind = kind;
        this.out = out;
        this.summary = summary;
    }

    @Override
    public void open(OpenContext context) {
        done = new StringBuilder();
        if (out != null) {
            var task = getRuntimeContext().getTaskInfo();
            journal = Journal.keep(out, kind, task.getIndexOfThisSubtask() + "-" + task.getAttemptNumber(),
                    JOURNAL_MILLIS, this::line);
        }
    }

    @Override
    public void process(K key, Context context, Iterable<I> results, Collector<String> windows) {
        String line = summary.of(key, context.window().getEnd() / 1_000, results);
        windows.collect(line);
        synchronized (this) {
            done.append(done.isEmpty() ? "" : ",").append(line);
        }
    }

    @Override
    public void flush() {
        if (journal != null) {
            journal.flush();
        }
    }

    @Override
    public void close() {
        if (journal != null) {
            journal.close();
        }
    }

    private synchronized Optional<String> line() {
        if (done.isEmpty()) {
            return Optional.empty();
        }
        String line = done.toString();
        done.setLength(0);
        return Optional.of(line);
    }
}
