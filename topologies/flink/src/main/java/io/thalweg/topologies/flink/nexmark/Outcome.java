package io.thalweg.topologies.flink.nexmark;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.types.Row;
import org.apache.flink.types.RowKind;
import org.apache.flink.util.Collector;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The rows that are left of a stream of changes, written to a file when there are no more: a line {@code <count> <row>} for
 * each, sorted. All have one key, so that the state of one task holds them.
 */
final class Outcome extends KeyedProcessFunction<Integer, Row, Void> {
    private static final long serialVersionUID = 1;
    private static final Logger LOG = LoggerFactory.getLogger(Outcome.class);

    private final String file;
    private transient MapState<String, Long> rows;

    Outcome(Path file) {
        this.file = file.toString();
    }

    @Override
    public void open(OpenContext context) {
        rows = getRuntimeContext().getMapState(new MapStateDescriptor<>("rows", Types.STRING, Types.LONG));
    }

    @Override
    public void processElement(Row row, Context context, Collector<Void> out) throws Exception {
        // The last watermark, which says that nothing comes any more.
        context.timerService().registerEventTimeTimer(Long.MAX_VALUE);
        boolean comes = row.getKind() == RowKind.INSERT || row.getKind() == RowKind.UPDATE_AFTER;
        String text = text(row);
        Long known = rows.get(text);
        // May be below zero for a moment: after a rescale the end of a row may come before its beginning.
        long count = (known == null ? 0 : known) + (comes ? 1 : -1);
        if (count == 0) {
            rows.remove(text);
        } else {
            rows.put(text, count);
        }
        // Should the last watermark come before the last rows, the file has all of them nevertheless, and the log says so.
        if (context.timerService().currentWatermark() == Long.MAX_VALUE) {
            LOG.warn("a row after the last watermark: {} {}", row.getKind(), text);
            write();
        }
    }

    @Override
    public void onTimer(long time, OnTimerContext context, Collector<Void> out) throws Exception {
        write();
    }

    /** Whole or not at all; again if the job starts once more before it ends. */
    private void write() throws Exception {
        Map<String, Long> sorted = new TreeMap<>();
        for (Map.Entry<String, Long> row : rows.entries()) {
            sorted.put(row.getKey(), row.getValue());
        }
        Path draft = Path.of(file + ".draft");
        Files.writeString(draft, lines(sorted));
        Files.move(draft, Path.of(file), StandardCopyOption.ATOMIC_MOVE);
    }

    /** Rows with their counts as lines, in the order of the rows. */
    static String lines(Map<String, Long> sorted) {
        return sorted.entrySet().stream().map(row -> row.getValue() + " " + row.getKey() + "\n").collect(Collectors.joining());
    }

    private static String text(Row row) {
        return IntStream.range(0, row.getArity()).mapToObj(field -> String.valueOf(row.getField(field)))
            .collect(Collectors.joining("|"));
    }
}
