package io.thalweg.topologies.wordcount;

import io.thalweg.topologies.Journal;
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
 * {@code <epoch ms> <emitted> <acked> <failed> <sum of latencies> <greatest latency> <latency,latency,...>}: complete
 * latencies in milliseconds of the tuples acknowledged since the last line, {@code -} when there were none.
 */
final class SpoutJournal implements KafkaTupleListener {
    private static final long serialVersionUID = 1;
    private static final long JOURNAL_MILLIS = 100;

    private final String out;
    private transient Map<KafkaSpoutMessageId, Long> emittedAtNanos;
    private transient long emitted;
    private transient long acked;
    private transient long failed;
    private transient long latencySum;
    private transient long latencyMax;
    private transient StringBuilder latencies;

    SpoutJournal(String out) {
        this.out = out;
    }

    @Override
    public void open(Map<String, Object> configuration, TopologyContext context) {
        emittedAtNanos = new HashMap<>();
        latencies = new StringBuilder();
        Journal.keep(out, "spout", Integer.toString(context.getThisTaskId()), JOURNAL_MILLIS, this::line);
    }

    @Override
    public synchronized void onEmit(List<Object> tuple, KafkaSpoutMessageId id) {
        emitted++;
        emittedAtNanos.put(id, System.nanoTime());
    }

    @Override
    public synchronized void onAck(KafkaSpoutMessageId id) {
        acked++;
        Long since = emittedAtNanos.remove(id);
        if (since == null) {
            return; // of a partition that was taken away and came back
        }
        long latency = Math.round((System.nanoTime() - since) / 1e6);
        latencySum += latency;
        latencyMax = Math.max(latencyMax, latency);
        latencies.append(latencies.isEmpty() ? "" : ",").append(latency);
    }

    @Override
    public synchronized void onRetry(KafkaSpoutMessageId id) {
        failed++;
        emittedAtNanos.remove(id);
    }

    @Override
    public synchronized void onMaxRetryReached(KafkaSpoutMessageId id) {
        emittedAtNanos.remove(id);
    }

    @Override
    public synchronized void onPartitionsReassigned(Collection<TopicPartition> partitions) {
        emittedAtNanos.keySet().removeIf(id -> !partitions.contains(id.getTopicPartition()));
    }

    private synchronized Optional<String> line() {
        if (emitted + acked + failed == 0) {
            return Optional.empty();
        }
        String line = String.join(" ", Long.toString(emitted), Long.toString(acked), Long.toString(failed),
                Long.toString(latencySum), Long.toString(latencyMax), latencies.isEmpty() ? "-" : latencies);
        emitted = acked = failed = latencySum = latencyMax = 0;
        latencies.setLength(0);
        return Optional.of(line);
    }
}
