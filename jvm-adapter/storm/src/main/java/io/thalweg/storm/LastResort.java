package io.thalweg.storm;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.thalweg.shell.ClusterNote;
import io.thalweg.shell.Leadership;
import io.thalweg.storm.cluster.NimbusLink;
import io.thalweg.shell.Threads;
import java.util.Optional;
import org.apache.storm.generated.NotAliveException;
import org.apache.storm.thrift.TException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Lets a topology run again that a predecessor stopped, where Thalweg itself cannot start: nobody else would. New workers
 * that only supervisors know of end by themselves.
 */
final class LastResort implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(LastResort.class);
    private static final long LOOK_MILLIS = 1000;

    /** Lets a topology's sources run. */
    @FunctionalInterface
    interface Activation {
        void of(String topology) throws TException;
    }

    private final Leadership leadership;
    private final ClusterNote note;
    private final Activation activation;
    private final Thread thread = Threads.of("thalweg-last-resort", this::work);

    LastResort(Leadership leadership, ClusterNote note, Activation activation) {
        this.leadership = leadership;
        this.note = note;
        this.activation = activation;
    }

    /** Activates by Nimbus itself. */
    static Activation by(NimbusLink nimbus) {
        return topology -> nimbus.call("activate", leader -> {
            leader.activate(topology);
            return null;
        });
    }

    void start() {
        thread.start();
    }

    @Override
    public void close() {
        Threads.stop(thread);
    }

    private void work() {
        String last = "";
        while (true) {
            try {
                Thread.sleep(LOOK_MILLIS);
                if (leadership.term().isPresent()) {
                    takeBack();
                    return;
                }
            } catch (InterruptedException e) {
                return;
            } catch (Throwable e) {
                if (!last.equals(e.toString())) {
                    last = e.toString();
                    LOG.error("what a predecessor left cannot be taken back yet: {}", last);
                }
            }
        }
    }

    private void takeBack() throws Exception {
        Optional<String> left = note.read();
        if (left.isEmpty()) {
            return;
        }
        JsonNode unfinished = new ObjectMapper().readTree(left.get());
        String topology = unfinished.path("plan").path("name").asText();
        for (JsonNode done : unfinished.path("done")) {
            if ("deactivated".equals(done.path("what").asText())) {
                activate(topology);
            }
        }
        note.clear();
    }

    private void activate(String topology) throws TException {
        try {
            activation.of(topology);
            LOG.warn("{} was stopped by a predecessor and runs again", topology);
        } catch (NotAliveException e) {
            LOG.info("{} is gone and need not run again", topology);
        }
    }
}
