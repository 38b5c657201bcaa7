package io.thalweg.topologies.wordcount;

import io.thalweg.topologies.Journal;
import io.thalweg.topologies.KafkaLines;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.kafka.common.TopicPartition;
import org.apache.storm.kafka.spout.KafkaSpoutMessageId;
import org.apache.storm.kafka.spout.KafkaTupleListener;
import org.apache.storm.task.TopologyContext;

/**
 * Records how the spout's tuples fared.
 *
 * <p>Its journal {@code spout-<pid>-<task>.log} gets, each 100 ms in which something happened, a line
 * {@code <epoch ms> <emitted> <acked> <failed> <sum of latencies> <greatest latency> <latency,latency,...> <age,age,...>}:
 * complete latencies in milliseconds of the tuples acknowledged since the last line, and their ages since their records
 * were made; {@code -} when there were none.
 */
final class SpoutJournal implements KafkaTupleListener {
    private static final long serialVersionUID = 1;
    private static final long JOURNAL_MILLIS = 100;

    private final String out;
    private transient Map<KafkaSpoutMessageId, Emitted> pending;
    private transient long emitted;
    private transient long acked;
    private transient long failed;
    private transient long latencySum;
    private transient long latencyMax;
    private transient StringBuilder latencies;
    private transient StringBuilder ages;

    private record Emitted(long atNanos, long madeAtMillis) {}

    SpoutJournal(String out) {
        this.out = out;
    }

    @Override
    public void open(Map<String, Object> configuration, TopologyContext context) {
        pending = new HashMap<>();
        latencies = new StringBuilder();
        ages = new StringBuilder();
        Journal.keep(out, "spout", Integer.toString(context.getThisTaskId()), JOURNAL_MILLIS, this::line);
    }

    @Override
    public synchronized void onEmit(List<Object> tuple, KafkaSpoutMessageId id) {
        emitted++;
        pending.put(id, new Emitted(System.nanoTime(), (Long) tuple.get(KafkaLines.MADE)));
    }

    @Override
    public synchronized void onAck(KafkaSpoutMessageId id) {
        acked++;
        Emitted tuple = pending.remove(id);
        if (tuple == null) {
            return; // of a partition that was taken away and came back
        }
        long latency = Math.round((System.nanoTime() - tuple.atNanos) / 1e6);
        latencySum += latency;
        latencyMax = Math.max(latencyMax, latency);
        latencies.append(latencies.isEmpty() ? "" : ",").append(latency);
        ages.append(ages.isEmpty() ? "" : ",").append(Math.max(0, System.currentTimeMillis() - tuple.madeAtMillis));
    }

    @Override
    public synchronized void onRetry(KafkaSpoutMessageId id) {
        failed++;
        pending.remove(id);
    }

    @Override
    public synchronized void onMaxRetryReached(KafkaSpoutMessageId id) {
        pending.remove(id);
    }

    @Override
    public synchronized void onPartitionsReassigned(Collection<TopicPartition> partitions) {
        pending.keySet().removeIf(id -> !partitions.contains(id.getTopicPartition()));
    }

    private synchronized Optional<String> line() {
        if (emitted + acked + failed == 0) {
            return Optional.empty();
        }
        String line = String.join(" ", Long.toString(emitted), Long.toString(acked), Long.toString(failed),
                Long.toString(latencySum), Long.toString(latencyMax), list(latencies), list(ages));
        emitted = acked = failed = latencySum = latencyMax = 0;
        latencies.setLength(0);
        ages.setLength(0);
        return Optional.of(line);
    }

    private static CharSequence list(StringBuilder values) {
        return values.isEmpty() ? "-" : values;
    }
}
