package io.thalweg.flink.rest;

import io.thalweg.shell.StepFailed;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.JsonNode;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.node.JsonNodeFactory;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * The bounds of parallelism of jobs' vertices, and which of them a user set.
 *
 * <p>Flink does not say who set a bound. So what a job was submitted with and what this class asked for is remembered, and
 * whatever else holds is the user's: nothing is asked for beyond it. Only vertices that are to change are asked for
 * anew; the others keep what they have at that moment. Safe from any thread.
 */
public final class Requirements {
    /** The least and the most subtasks of a vertex. */
    public record Range(int lower, int upper) {
        /** Whether so many subtasks are allowed. */
        public boolean holds(int count) {
            return lower <= count && count <= upper;
        }
    }

    /** Where bounds are read and written: all of a job's vertices together, as REST does. */
    public interface Channel {
        /** The bounds that hold. */
        JsonNode read() throws IOException, InterruptedException;

        /** Asks for bounds. */
        void write(JsonNode bounds) throws IOException, InterruptedException;
    }

    /** A plan wants more or fewer subtasks than the user allows. */
    public static final class BeyondUser extends Exception {
        private static final long serialVersionUID = 1L;

        BeyondUser(String vertex, int count, Range user) {
            super("the user allows vertex " + vertex + " " + user.lower + " to " + user.upper + " subtasks, not " + count);
        }
    }

    /** Is told what holds just before other bounds are asked for. */
    @FunctionalInterface
    public interface Announcement {
        /** Nobody is told. */
        Announcement NONE = before -> { };

        /** What holds for the vertices that are to change. */
        void of(Map<String, Range> before) throws StepFailed;
    }

    /**
     * What is known of a vertex: any of the four may be null.
     *
     * @param asking what is being asked for, by us or by a predecessor that did not live to see whether it holds
     */
    private record Known(Range submitted, Range ours, Range users, Range asking) {
        static final Known NOTHING = new Known(null, null, null, null);

        Known seen(Range now) {
            if (now.equals(asking)) {
                return asked();
            }
            if (now.equals(ours) || now.equals(users)) {
                return this;
            }
            boolean untouched = ours == null && (submitted == null ? now.lower <= 1 : now.equals(submitted));
            return untouched ? new Known(now, null, null, asking) : new Known(submitted, null, now, asking);
        }

        Known asking(Range next) {
            return new Known(submitted, ours, users, next);
        }

        /** What is being asked for holds. */
        Known asked() {
            return new Known(submitted, asking, users, null);
        }
    }

    private static final long KEPT_MILLIS = 3_600_000;

    private final Rest rest;
    private final Supplier<JsonNode> kept;
    private final Consumer<JsonNode> keep;
    private final Map<String, Map<String, Known>> jobs = new TreeMap<>();
    private final Map<String, Long> absentSince = new HashMap<>();

    /**
     * Bounds as REST tells them.
     *
     * @param kept what was kept last, here or by another that led meanwhile; null where nothing was
     * @param keep keeps what is known, so that a successor can tell a user's bounds from ours
     */
    public Requirements(Rest rest, Supplier<JsonNode> kept, Consumer<JsonNode> keep) {
        this.rest = rest;
        this.kept = kept;
        this.keep = keep;
        recall();
    }

    /** Takes up what was kept last: whoever led meanwhile has asked for bounds that are no user's. */
    public synchronized void recall() {
        JsonNode last = kept.get();
        if (last == null) {
            return;
        }
        jobs.clear();
        last.fieldNames().forEachRemaining(job -> last.path(job).fieldNames().forEachRemaining(vertex -> {
            JsonNode known = last.path(job).path(vertex);
            of(job).put(vertex, new Known(range(known.path("submitted")), range(known.path("ours")),
                    range(known.path("users")), range(known.path("asking"))));
        }));
    }

    /**
     * Learns with which parallelism the vertices of a job were submitted.
     *
     * @param fresh whether Flink was asked for no other bounds since
     */
    public synchronized void submitted(String job, Map<String, Integer> parallelism, boolean fresh) {
        parallelism.forEach((vertex, count) -> {
            Known before = fresh ? null : of(job).get(vertex);
            Range submitted = new Range(1, count);
            of(job).put(vertex, before == null
                    ? new Known(submitted, null, null, null)
                    : new Known(submitted, before.ours, before.users, before.asking));
        });
    }

    /** The bounds that the user of a job set, by vertex. */
    public synchronized Map<String, Range> users(String job) throws IOException, InterruptedException {
        return look(job, overRest(job).read());
    }

    /** Asks for these numbers of subtasks, within what the user allows. */
    public synchronized void ask(String job, Map<String, Integer> counts, Channel channel, Announcement announcement)
            throws IOException, InterruptedException, BeyondUser, StepFailed {
        JsonNode now = channel.read();
        Map<String, Range> users = look(job, now);
        Map<String, Range> asked = new TreeMap<>();
        Map<String, Range> before = new TreeMap<>();
        for (Map.Entry<String, Integer> desired : counts.entrySet()) {
            Range user = users.get(desired.getKey());
            if (user != null && !user.holds(desired.getValue())) {
                throw new BeyondUser(desired.getKey(), desired.getValue(), user);
            }
            // A lower bound above 1 would have the job fail where slots are short, so none but the user's is asked for.
            asked.put(desired.getKey(), new Range(user == null ? 1 : user.lower, desired.getValue()));
            before.put(desired.getKey(), range(now.path(desired.getKey()).path("parallelism")));
        }
        announcement.of(before);
        write(job, now, asked, channel);
    }

    /** Asks for what held before, where nobody has asked for anything else since. */
    public synchronized void undo(String job, Map<String, Range> before, Channel channel)
            throws IOException, InterruptedException {
        JsonNode now = channel.read();
        Map<String, Range> back = new TreeMap<>(before);
        back.keySet().removeIf(vertex -> {
            Range is = range(now.path(vertex).path("parallelism"));
            Known known = is == null ? null : of(job).getOrDefault(vertex, Known.NOTHING).seen(is);
            return known == null || before.get(vertex) == null || is.equals(before.get(vertex)) || !is.equals(known.ours);
        });
        if (!back.isEmpty()) {
            write(job, now, back, channel);
        }
    }

    /** Bounds through REST, so that the Dispatcher keeps them for the next leader. */
    public Channel overRest(String job) {
        String path = "/jobs/" + job + "/resource-requirements";
        return new Channel() {
            @Override
            public JsonNode read() throws IOException, InterruptedException {
                return rest.get(path);
            }

            @Override
            public void write(JsonNode bounds) throws IOException, InterruptedException {
                rest.put(path, bounds);
            }
        };
    }

    /**
     * Forgets jobs that have been absent for long. While a JobManager takes over, jobs are not there for a while, and what is
     * forgotten of them would make our bounds look like their users'.
     */
    public synchronized void keep(Set<String> present, long nowMillis) {
        absentSince.keySet().removeAll(present);
        jobs.keySet().forEach(job -> {
            if (!present.contains(job)) {
                absentSince.putIfAbsent(job, nowMillis);
            }
        });
        if (jobs.keySet().removeIf(job -> nowMillis - absentSince.getOrDefault(job, nowMillis) >= KEPT_MILLIS)) {
            absentSince.keySet().retainAll(jobs.keySet());
            save();
        }
    }

    private void write(String job, JsonNode now, Map<String, Range> asked, Channel channel)
            throws IOException, InterruptedException {
        ObjectNode all = now.deepCopy();
        asked.forEach((vertex, range) -> all.putObject(vertex).putObject("parallelism")
                .put("lowerBound", range.lower).put("upperBound", range.upper));
        // Whoever follows, should this process not get any further, knows these bounds for ours.
        asked.forEach((vertex, range) -> of(job).computeIfPresent(vertex, (id, known) -> known.asking(range)));
        save();
        channel.write(all);
        asked.keySet().forEach(vertex -> of(job).computeIfPresent(vertex, (id, known) -> known.asked()));
        save();
    }

    private Map<String, Range> look(String job, JsonNode now) {
        Map<String, Known> known = of(job);
        Map<String, Known> before = Map.copyOf(known);
        Map<String, Range> users = new HashMap<>();
        now.fieldNames().forEachRemaining(vertex -> {
            Range range = range(now.path(vertex).path("parallelism"));
            if (range != null) {
                Known seen = known.getOrDefault(vertex, Known.NOTHING).seen(range);
                known.put(vertex, seen);
                if (seen.users != null) {
                    users.put(vertex, seen.users);
                }
            }
        });
        if (!before.equals(known)) {
            save();
        }
        return users;
    }

    private Map<String, Known> of(String job) {
        return jobs.computeIfAbsent(job, id -> new TreeMap<>());
    }

    private void save() {
        ObjectNode all = JsonNodeFactory.instance.objectNode();
        jobs.forEach((job, vertices) -> {
            ObjectNode ofJob = all.putObject(job);
            vertices.forEach((vertex, known) -> {
                ObjectNode ofVertex = ofJob.putObject(vertex);
                put(ofVertex, "submitted", known.submitted);
                put(ofVertex, "ours", known.ours);
                put(ofVertex, "users", known.users);
                put(ofVertex, "asking", known.asking);
            });
        });
        keep.accept(all);
    }

    private static void put(ObjectNode to, String name, Range range) {
        if (range != null) {
            to.putObject(name).put("lowerBound", range.lower).put("upperBound", range.upper);
        }
    }

    private static Range range(JsonNode json) {
        return json.isObject() ? new Range(json.path("lowerBound").asInt(), json.path("upperBound").asInt()) : null;
    }
}
