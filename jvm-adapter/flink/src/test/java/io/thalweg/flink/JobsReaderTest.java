package io.thalweg.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.thalweg.bridge.SnapshotWriter.Obstacle;
import io.thalweg.flink.Jobs.Submission;
import io.thalweg.flink.measure.ClusterReader;
import io.thalweg.flink.measure.JobView;
import io.thalweg.flink.rest.FakeFlink;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import org.apache.flink.api.common.JobStatus;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Whatever is the matter with one job, the others are read. */
class JobsReaderTest {
    private final Map<String, String> said = new TreeMap<>();
    private final Map<String, String> running = new TreeMap<>(Map.of("a", "RUNNING"));
    private final Map<String, JobView> before = new HashMap<>();
    private final Jobs jobs = Jobs.ownOnly();
    private CompletableFuture<JobStatus> ended = new CompletableFuture<>();
    private FakeFlink flink;
    private ClusterReader reader;

    @BeforeEach
    void start() throws Exception {
        flink = new FakeFlink().streamingJob("a", "words");
        reader = new ClusterReader(flink.rest());
        own("a");
    }

    @AfterEach
    void stop() {
        flink.close();
    }

    private void own(String id) {
        jobs.add(id, new Submission(Map.of(), true), ended);
    }

    private List<JobView> read(Map<String, String> configuration) throws InterruptedException {
        return new JobsReader(reader, jobs, Settings.of(configuration), before).read(running, said::put);
    }

    private Map<String, Obstacle> obstacles() throws InterruptedException {
        Map<String, Obstacle> obstacles = new TreeMap<>();
        read(Map.of()).forEach(job -> obstacles.put(job.name(), job.obstacle()));
        return obstacles;
    }

    private static Map<String, Obstacle> besideWords(String name, Obstacle obstacle) {
        Map<String, Obstacle> expected = new TreeMap<>();
        expected.put("words", null);
        expected.put(name, obstacle);
        return expected;
    }

    @Test
    void aBatchJobIsLeftAloneAndOthersGoOn() throws Exception {
        running.put("b", "RUNNING");
        flink.on("/jobs/b", "{\"jid\": \"b\", \"name\": \"nightly\", \"state\": \"RUNNING\", \"job-type\": \"BATCH\"}");
        assertEquals(besideWords("nightly", Obstacle.BATCH), obstacles());
        assertEquals(1, read(Map.of()).get(0).vertices().size(), "words is read as a whole");
        // So it is alone, and while it is the only one.
        running.remove("a");
        assertEquals(Map.of("nightly", Obstacle.BATCH), obstacles());
    }

    @Test
    void aJobOfAnotherSchedulerIsNamedBesideOurs() throws Exception {
        running.put("b", "RUNNING");
        flink.on("/jobs/b", """
                {"jid": "b", "name": "fixed", "state": "RUNNING", "job-type": "STREAMING", "schedulerType": "Default"}""");
        assertEquals(besideWords("fixed", Obstacle.OTHER_SCHEDULER), obstacles());
        own("b");
        assertEquals(besideWords("fixed", Obstacle.OTHER_SCHEDULER), obstacles());
    }

    @Test
    void whereAllStreamingJobsAreOthersAnotherJobManagerLeads() throws Exception {
        running.remove("a");
        running.put("b", "RUNNING");
        flink.streamingJob("b", "theirs");
        assertNull(read(Map.of()));
    }

    @Test
    void aJobWhoseSchedulerIsNotThereYetDoesNotSayWhoLeads() throws Exception {
        running.remove("a");
        running.put("b", "INITIALIZING");
        flink.on("/jobs/b", "{\"jid\": \"b\", \"name\": \"new\", \"state\": \"INITIALIZING\", \"job-type\": \"STREAMING\"}");
        assertEquals(Map.of("new", Obstacle.OTHER_SCHEDULER), obstacles());
    }

    @Test
    void whatHasJustEndedHereDoesNotSayWhoLeadsUntilRestKnows() throws Exception {
        ended.complete(JobStatus.FINISHED);
        assertEquals(List.of(), read(Map.of()));
        // Where another JobManager takes a job over, it does not end.
        ended = new CompletableFuture<>();
        own("a");
        assertEquals(List.of("a"), read(Map.of()).stream().map(JobView::id).toList());
        ended.complete(JobStatus.SUSPENDED);
        assertNull(read(Map.of()));
    }

    @Test
    void onlyAnAnswerSaysThatAJobHasEnded() throws Exception {
        assertFalse(reader.hasEnded("a"));
        assertFalse(reader.hasEnded("unknown"));
        flink.on("/jobs/a", "{\"jid\": \"a\", \"name\": \"words\", \"state\": \"FINISHED\", \"job-type\": \"STREAMING\"}");
        assertTrue(reader.hasEnded("a"));
    }

    @Test
    void aJobThatEndsBetweenTwoRequestsIsNotThere() throws Exception {
        for (String id : List.of("b", "c", "d")) {
            running.put(id, "RUNNING");
            own(id);
        }
        flink.on("/jobs/c", "{\"jid\": \"c\", \"name\": \"done\", \"state\": \"FINISHED\", \"job-type\": \"BATCH\"}");
        flink.on("/jobs/d", "{\"jid\": \"d\", \"name\": \"failed\", \"state\": \"FAILED\", \"job-type\": \"STREAMING\"}");
        assertEquals(List.of("a"), read(Map.of()).stream().map(JobView::id).toList());
    }

    @Test
    void aJobThatIsListedAsEndedIsNotThereWhateverElseIsShownOfIt() throws Exception {
        read(Map.of()).forEach(job -> before.put(job.id(), job));
        running.put("a", "CANCELED");
        assertEquals(Map.of(), obstacles());
    }

    @Test
    void aJobThatIsNotListedForAMomentIsStillThere() throws Exception {
        read(Map.of()).forEach(job -> before.put(job.id(), job));
        running.clear();
        assertEquals(List.of("a"), read(Map.of()).stream().map(JobView::id).toList());
        flink.on("/jobs/a", 500, "{\"errors\": [\"for a test\"]}");
        assertEquals(Map.of("words", Obstacle.UNREADABLE), obstacles());
        flink.off("/jobs/a");
        assertEquals(Map.of(), obstacles());
    }

    @Test
    void aJobThatCannotBeReadIsNamedAsItWasLastSeen() throws Exception {
        running.put("b", "RUNNING");
        own("b");
        flink.streamingJob("b", "broken");
        before.put("b", read(Map.of()).get(1));
        String vertex = "/jobs/b/vertices/" + FakeFlink.vertexOf("b");
        flink.on(vertex, 500, "{\"errors\": [\"for a test\"]}");
        assertEquals(besideWords("broken", Obstacle.UNREADABLE), obstacles());
        assertTrue(said.get("job b").contains("500"), said.toString());
        assertEquals(before.get("b").vertices(), read(Map.of()).get(1).vertices());
        // Neither does nonsense stop the look at others.
        before.clear();
        flink.on(vertex, "no JSON");
        assertEquals(besideWords("b", Obstacle.UNREADABLE), obstacles());
        flink.streamingJob("b", "broken");
        assertEquals(besideWords("broken", null), obstacles());
    }

    @Test
    void aJobWithoutCheckpointsSaysSo() throws Exception {
        flink.on("/jobs/a/checkpoints/config", "{\"interval\": 9223372036854775807}");
        assertEquals(Map.of("words", Obstacle.CHECKPOINTS_OFF), obstacles());
    }

    @Test
    void inReactiveModeFlinkAloneScales() throws Exception {
        JobView job = read(Map.of("scheduler-mode", "reactive")).get(0);
        assertEquals(Obstacle.OTHER_SCHEDULER, job.obstacle());
    }
}
