package io.thalweg.flink;

import io.thalweg.bridge.SnapshotWriter.Obstacle;
import io.thalweg.flink.measure.ClusterReader;
import io.thalweg.flink.measure.JobView;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.BiConsumer;

/**
 * Reads the jobs of a cluster one by one: whatever is the matter with one of them, the others are read.
 *
 * <p>One that ends between two requests is not there. One that is none of ours, or cannot be read, is there by name, with
 * what stands against judging it. Flink leaves out of its list whatever job does not answer at once, such as one that
 * begins, so what was seen before is asked for by its id before it counts as ended.
 */
final class JobsReader {
    private static final String INITIALIZING = "INITIALIZING";

    private final ClusterReader reader;
    private final Jobs jobs;
    private final Settings settings;
    private final Map<String, JobView> before;

    /** @param before jobs as they were last seen */
    JobsReader(ClusterReader reader, Jobs jobs, Settings settings, Map<String, JobView> before) {
        this.reader = reader;
        this.jobs = jobs;
        this.settings = settings;
        this.before = before;
    }

    /**
     * All jobs in the order of their ids; null where another JobManager leads.
     *
     * @param listed states by id, of those too that have ended: REST shows some of these as they ran for some seconds more
     * @param say is told what cannot be read, and why
     */
    List<JobView> read(Map<String, String> listed, BiConsumer<String, String> say) throws InterruptedException {
        List<JobView> seen = new ArrayList<>();
        boolean ours = false;
        boolean others = false;
        Map<String, String> states = new TreeMap<>(listed);
        before.forEach((id, job) -> states.putIfAbsent(id, job.state()));
        jobs.keepOver(states.keySet());
        states.keySet().removeIf(jobs::isOver);
        states.values().removeIf(ClusterReader::isEnd);
        for (Map.Entry<String, String> job : states.entrySet()) {
            boolean own = jobs.has(job.getKey());
            Optional<JobView> view = one(job.getKey(), job.getValue(), own, say);
            ours |= own;
            others |= !own && view.map(JobsReader::hasAScheduler).orElse(false);
            view.ifPresent(seen::add);
        }
        // A JobManager leads for all jobs or for none.
        return others && !ours ? null : seen;
    }

    /** A batch job has none of ours anywhere, and one that is being submitted none yet. */
    private static boolean hasAScheduler(JobView job) {
        return job.obstacle() != Obstacle.BATCH && !INITIALIZING.equals(job.state());
    }

    private Optional<JobView> one(String id, String state, boolean own, BiConsumer<String, String> say)
            throws InterruptedException {
        try {
            Optional<JobView> view = own ? reader.job(id) : reader.brief(id);
            if (before.containsKey(id) && before.get(id).obstacle() == Obstacle.UNREADABLE) {
                say.accept("job " + id, "job " + id + " can be read again");
            }
            return view.map(this::judged);
        } catch (IOException | RuntimeException e) {
            say.accept("job " + id, "job " + id + " cannot be read: " + e);
            JobView last = before.get(id);
            return Optional.of(last == null
                    ? JobView.bare(id, id, state, Obstacle.UNREADABLE) : last.with(Obstacle.UNREADABLE));
        }
    }

    private JobView judged(JobView job) {
        if (settings.reactive() && job.obstacle() != Obstacle.BATCH) {
            return job.with(Obstacle.OTHER_SCHEDULER);
        }
        // Our own trigger takes a checkpoint first, and does nothing without it.
        boolean takesOne = job.obstacle() == Obstacle.NO_CHECKPOINT_YET && jobs.placed(job.id()).isPresent();
        return takesOne ? job.with(null) : job;
    }
}
