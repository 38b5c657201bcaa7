package io.thalweg.flink;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.thalweg.shell.Gauges;
import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.api.common.JobID;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.metrics.Metric;
import org.apache.flink.runtime.metrics.NoOpMetricRegistry;
import org.apache.flink.runtime.metrics.groups.AbstractMetricGroup;
import org.apache.flink.runtime.metrics.groups.JobManagerJobMetricGroup;
import org.apache.flink.runtime.metrics.groups.JobManagerMetricGroup;
import org.apache.flink.shaded.jackson2.com.fasterxml.jackson.databind.ObjectMapper;
import org.junit.jupiter.api.Test;

/** Gauges in Flink's own groups. */
class JobMetricsTest {
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Map<String, Gauge<?>> registered = new TreeMap<>();
    private final JobManagerMetricGroup jobManager =
            JobManagerMetricGroup.createJobManagerMetricGroup(new Registry(), "localhost");
    private final JobID id = new JobID();
    private final JobMetrics metrics = new JobMetrics();
    private final Gauges gauges = new Gauges(metrics);

    /** As Flink's own, without anybody who reports. */
    private final class Registry extends NoOpMetricRegistry {
        @Override
        public void register(Metric metric, String name, AbstractMetricGroup<?> group) {
            if (metric instanceof Gauge<?> gauge) {
                registered.put(group.getLogicalScope(text -> text, '.') + "." + name, gauge);
            }
        }

        @Override
        public void unregister(Metric metric, String name, AbstractMetricGroup<?> group) {
            registered.values().remove(metric);
        }
    }

    private JobManagerJobMetricGroup begin() {
        return jobManager.addJob(id, "words");
    }

    private void take(String busy) throws Exception {
        gauges.take(JSON.readTree("{\"gauges\": {\"scheduler\": {\"thalweg_nodes\": 3.0}, \"names\":"
                + " [\"thalweg_topology_busy_ratio\"], \"topologies\": {\"" + id + "\": [" + busy + "]}}}"));
    }

    private Object value(String name) {
        return registered.get(name).getValue();
    }

    @Test
    void aJobShowsWhatTheLastLookSaw() throws Exception {
        metrics.join(id.toString(), begin());
        take("0.5");
        assertEquals(0.5, value("jobmanager.job.thalweg.busy_ratio"));
        assertEquals(3.0, value("jobmanager.thalweg.nodes"));
        take("null");
        assertEquals(Double.NaN, value("jobmanager.job.thalweg.busy_ratio"));
    }

    @Test
    void aJobThatBeginsAfterALookIsShown() throws Exception {
        take("0.5");
        assertEquals(Map.of(), registered);
        metrics.join(id.toString(), begin());
        assertEquals(0.5, value("jobmanager.job.thalweg.busy_ratio"));
        assertEquals(3.0, value("jobmanager.thalweg.nodes"));
    }

    @Test
    void whoLeadsAgainShowsItInTheNewGroupOfTheJobManager() throws Exception {
        metrics.join(id.toString(), begin());
        take("0.5");
        jobManager.close();
        registered.clear();
        JobManagerMetricGroup next = JobManagerMetricGroup.createJobManagerMetricGroup(new Registry(), "localhost");
        metrics.join(id.toString(), next.addJob(id, "words"));
        assertEquals(3.0, value("jobmanager.thalweg.nodes"));
        assertEquals(0.5, value("jobmanager.job.thalweg.busy_ratio"));
    }

    @Test
    void whoFollowsKnowsNothingAndShowsAgainOnceItLeads() throws Exception {
        metrics.join(id.toString(), begin());
        take("0.5");
        gauges.follow();
        assertEquals(Double.NaN, value("jobmanager.job.thalweg.busy_ratio"));
        take("0.25");
        assertEquals(0.25, value("jobmanager.job.thalweg.busy_ratio"));
    }

    @Test
    void aJobThatBeginsAnewIsShownInItsNewGroup() throws Exception {
        JobManagerJobMetricGroup first = begin();
        metrics.join(id.toString(), first);
        take("0.5");
        first.close();
        metrics.leave(id.toString());
        metrics.join(id.toString(), begin());
        take("0.25");
        assertEquals(0.25, value("jobmanager.job.thalweg.busy_ratio"));
    }
}
