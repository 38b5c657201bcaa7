package io.thalweg.storm.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.codahale.metrics.Gauge;
import com.codahale.metrics.MetricRegistry;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.thalweg.shell.Gauges;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.storm.DaemonConfig;
import org.apache.storm.daemon.metrics.reporters.PreparableReporter;
import org.apache.storm.metric.StormMetricsRegistry;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Gauges in Storm's own registry, as its reporters see them. */
class MetersTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static MetricRegistry reported;

    private final StormMetricsRegistry registry = new StormMetricsRegistry();
    private final Gauges gauges = new Gauges(new Meters(registry));

    /** Sees what each reporter does. */
    public static final class Seeing implements PreparableReporter {
        @Override
        public void prepare(MetricRegistry metrics, Map<String, Object> conf) {
            reported = metrics;
        }

        @Override
        public void start() { }

        @Override
        public void stop() { }
    }

    @BeforeEach
    void report() {
        registry.startMetricsReporters(
            Map.of(DaemonConfig.STORM_DAEMON_METRICS_REPORTER_PLUGINS, List.of(Seeing.class.getName())));
    }

    @AfterEach
    void stop() {
        registry.stopMetricsReporters();
    }

    /** A look that found these topologies, with a level and a busy share each. */
    private void take(String topologies) throws Exception {
        JsonNode answer = JSON.readTree("{\"gauges\": {\"scheduler\": {\"thalweg_engine_leads\": 1.0, \"thalweg_nodes\": 3.0},"
            + "\"names\": [\"thalweg_topology_level\", \"thalweg_topology_busy_ratio\"], \"topologies\": " + topologies + "}}");
        gauges.take(answer);
    }

    private static Object value(String name) {
        return ((Gauge<?>) reported.getMetrics().get(name)).getValue();
    }

    private static Set<String> topologies() {
        Set<String> names = new TreeSet<>(new TreeMap<>(reported.getMetrics()).keySet());
        names.removeIf(name -> !name.startsWith("thalweg:topology-level"));
        return names;
    }

    @Test
    void whoHasNeverLedSaysSo() {
        assertEquals(0.0, value("thalweg:engine-leads"));
        assertEquals(Double.NaN, value("thalweg:engine-status-age-seconds"));
    }

    @Test
    void eachLookIsShown() throws Exception {
        take("{\"words-1-1700000000\": [1, 0.5]}");
        assertEquals(1.0, value("thalweg:engine-leads"));
        assertEquals(3.0, value("thalweg:nodes"));
        assertEquals(0.5, value("thalweg:topology-busy-ratio:words"));
        assertTrue((double) value("thalweg:engine-status-age-seconds") >= 0);
        take("{\"words-1-1700000000\": [1, 0.75]}");
        assertEquals(0.75, value("thalweg:topology-busy-ratio:words"));
    }

    @Test
    void whatWasNotMeasuredIsNoNumber() throws Exception {
        take("{\"words-1-1700000000\": [1, null]}");
        assertEquals(Double.NaN, value("thalweg:topology-busy-ratio:words"));
    }

    @Test
    void whatIsGoneIsNotShown() throws Exception {
        take("{\"words-1-1700000000\": [1, 0.5]}");
        take("{\"taxi-2-1700000000\": [1, 0.5]}");
        assertEquals(Set.of("thalweg:topology-level:taxi"), topologies());
        take("{}");
        assertEquals(Set.of(), topologies());
    }

    @Test
    void aNamesakeIsShownByItsId() throws Exception {
        take("{\"words-1-1700000000\": [1, 0.5]}");
        take("{\"words-1-1700000000\": [1, 0.5], \"words-2-1700000009\": [2, 0.5]}");
        assertEquals(Set.of("thalweg:topology-level:words", "thalweg:topology-level:words-2-1700000009"), topologies());
        assertEquals(2.0, value("thalweg:topology-level:words-2-1700000009"));
    }

    @Test
    void whoFollowsSaysSoAndKnowsNothing() throws Exception {
        take("{\"words-1-1700000000\": [1, 0.5]}");
        gauges.follow();
        assertEquals(0.0, value("thalweg:engine-leads"));
        assertEquals(Double.NaN, value("thalweg:nodes"));
        assertEquals(Set.of(), topologies());
        take("{\"words-1-1700000000\": [4, 0.5]}");
        assertEquals(1.0, value("thalweg:engine-leads"));
        assertEquals(4.0, value("thalweg:topology-level:words"));
    }
}
