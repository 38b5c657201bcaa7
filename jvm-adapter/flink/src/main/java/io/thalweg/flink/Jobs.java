package io.thalweg.flink;

import io.thalweg.flink.place.SlotNumbers;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.flink.api.common.JobStatus;

/** Which jobs are ours to change. Safe from any thread. */
public final class Jobs {
    /**
     * How a job began.
     *
     * @param parallelism of its vertices, by id, as far as it is known
     * @param fresh whether nobody has asked for other bounds of parallelism since it was submitted
     */
    public record Submission(Map<String, Integer> parallelism, boolean fresh) { }

    private final boolean all;
    private final Map<String, Submission> known = new ConcurrentHashMap<>();
    private final Map<String, Job> placed = new ConcurrentHashMap<>();
    /** Those that have ended here, as long as REST may show them as they were: it answers from what it has fetched before. */
    private final Set<String> over = ConcurrentHashMap.newKeySet();
    private final SlotNumbers numbers = new SlotNumbers();
    private final JobMetrics metrics = new JobMetrics();

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
        return all || known.containsKey(id);
    }

    /** Whether it has ended here for good, and not because another JobManager takes it over. */
    public boolean isOver(String id) {
        return over.contains(id);
    }

    /** Forgets what else has ended. */
    void keepOver(Set<String> ids) {
        over.retainAll(ids);
    }

    /** How a job began, if that is known. */
    Optional<Submission> submission(String id) {
        return Optional.ofNullable(known.get(id));
    }

    /** The job, if our slot allocator places it. */
    public Optional<Job> placed(String id) {
        return Optional.ofNullable(placed.get(id));
    }

    /** The numbers of the slots that these jobs hold. */
    SlotNumbers numbers() {
        return numbers;
    }

    /** Where they show gauges. */
    JobMetrics metrics() {
        return metrics;
    }

    /** One that our slot allocator places. */
    void place(Job job, Submission submission) {
        String id = job.id().toString();
        placed.put(id, job);
        add(id, submission, job.ended());
        job.ended().whenComplete((result, failure) -> {
            if (placed.remove(id, job)) {
                numbers.forget(id);
            }
        });
    }

    /** One more, until it ends; the same job may have begun anew by then. */
    void add(String id, Submission submission, CompletableFuture<?> ended) {
        Submission own = new Submission(Map.copyOf(submission.parallelism), submission.fresh);
        known.put(id, own);
        over.remove(id);
        ended.whenComplete((result, failure) -> known.computeIfPresent(id, (job, now) -> {
            if (now != own) {
                return now;
            }
            if (result instanceof JobStatus status && status.isGloballyTerminalState()) {
                over.add(id);
            }
            metrics.leave(id);
            return null;
        }));
    }
}
