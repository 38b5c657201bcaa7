package io.thalweg.flink.measure;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.thalweg.flink.measure.Task.Totals;
import io.thalweg.flink.rest.FakeFlink;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a source brings in, whatever it is chained to. */
class SourceReaderTest {
    private static final String VERTEX = "/jobs/a/vertices/" + FakeFlink.vertexOf("a");
    private FakeFlink flink;

    @BeforeEach
    void start() throws Exception {
        flink = new FakeFlink().streamingJob("a", "words");
    }

    @AfterEach
    void stop() {
        flink.close();
    }

    private void names(String... names) {
        List<String> ids = List.of(names).stream().map("{\"id\": \"%s\"}"::formatted).toList();
        flink.on(VERTEX + "/subtasks/metrics", ids.toString());
    }

    private void values(String... namesAndValues) {
        StringBuilder json = new StringBuilder("[");
        for (int i = 0; i < namesAndValues.length; i += 2) {
            json.append(i == 0 ? "" : ",")
                    .append("{\"id\": \"%s\", \"value\": \"%s\"}".formatted(namesAndValues[i], namesAndValues[i + 1]));
        }
        flink.on(VERTEX + "/metrics", json + "]");
    }

    private Task task() throws Exception {
        return new ClusterReader(flink.rest()).job("a").orElseThrow().vertices().get(0).tasks().get(0);
    }

    @Test
    void theSourceOperatorTellsWhatComesInAndTheTaskWhatGoesOut() throws Exception {
        names("numRecordsOut", "Source__lines.numRecordsIn", "Source__lines.numRecordsOut", "rare.numRecordsIn",
                "rare.numRecordsOut", "Source__lines.KafkaSourceReader.topic.x.partition.0.currentOffset");
        values("0.Source__lines.numRecordsIn", "900", "0.Source__lines.numRecordsOut", "850");
        assertEquals(new Totals(900, 9, 10, 0, 90), task().totals());
    }

    @Test
    void whereASourceCountsNothingThatComesInWhatItGivesOnCounts() throws Exception {
        names("Source__lines.numRecordsIn", "Source__lines.numRecordsOut");
        values("0.Source__lines.numRecordsIn", "0", "0.Source__lines.numRecordsOut", "850");
        assertEquals(new Totals(850, 9, 10, 0, 90), task().totals());
    }

    @Test
    void withoutASourceOperatorItIsWhatTheTaskGivesOut() throws Exception {
        names("numRecordsOut");
        assertEquals(new Totals(9, 9, 10, 0, 90), task().totals());
    }

    @Test
    void aSourceWhoseTimesAreNotToldIsMeasuredAllTheSame() throws Exception {
        flink.on(VERTEX, """
                {"subtasks": [{"subtask": 0, "attempt": 0, "status": "RUNNING", "taskmanager-id": "n1", "duration": 4000,
                  "metrics": {"read-records-complete": true, "write-records-complete": true, "read-records": 0,
                    "write-records": 9, "accumulated-busy-time": "NaN", "accumulated-backpressured-time": 0,
                    "accumulated-idle-time": 0}}]}""");
        assertEquals(Totals.untimed(9, 9, 4000), task().totals());
        assertTrue(task().running());
    }
}
