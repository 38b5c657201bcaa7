package io.thalweg.flink;

import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.flink.api.common.JobID;

/** Which jobs are ours to change. Safe from any thread. */
public final class Jobs {
    private final boolean all;
    private final Set<String> known = ConcurrentHashMap.newKeySet();
    private final Map<String, Job> placed = new ConcurrentHashMap<>();

    private Jobs(boolean all) {
        this.all = all;
    }

    /** Those that this JobManager runs: beside a leader, another process may run others. */
    static Jobs ownOnly() {
        return new Jobs(false);
    }

    /** Every job of the cluster. */
    static Jobs all() {
        return new Jobs(true);
    }

    /** Whether this one is. */
    boolean has(String id) {
        return all || known.contains(id);
    }

    /** The job, if our slot allocator places it. */
    public Optional<Job> placed(String id) {
        return Optional.ofNullable(placed.get(id));
    }

    /** One that our slot allocator places. */
    void place(Job job) {
        placed.put(job.id().toString(), job);
        add(job.id(), job.ended());
    }

    /** One more, until it ends. */
    void add(JobID id, CompletableFuture<?> ended) {
        known.add(id.toString());
        ended.whenComplete((result, failure) -> {
            known.remove(id.toString());
            placed.remove(id.toString());
        });
    }
}
