package io.thalweg.storm;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.storm.Config;
import org.apache.storm.scheduler.ExecutorDetails;
import org.apache.storm.scheduler.TopologyDetails;
import org.apache.storm.topology.BoltDeclarer;
import org.apache.storm.topology.SpoutDeclarer;
import org.apache.storm.topology.TopologyBuilder;
import org.junit.jupiter.api.Test;

class TopologyShapeTest {
    @Test
    void whereOneComponentDeclaresTheTopologysDefaultsCountForTheOthers() {
        List<TopologyShape.Component> components = components(true);
        assertEquals(List.of("silent", "source", "work"), components.stream().map(TopologyShape.Component::id).toList());
        assertEquals(List.of(10.0, 10.0, 25.0), components.stream().map(TopologyShape.Component::cpuPoints).toList());
        assertEquals(List.of(128.0, 138.0, 128.0), components.stream().map(TopologyShape.Component::memoryMib).toList());
        assertEquals(List.of(128.0, 110.0, 128.0), components.stream().map(TopologyShape.Component::heapMib).toList());
    }

    @Test
    void stormsOwnDefaultsAreDeclaredByNobody() {
        for (TopologyShape.Component component : components(false)) {
            assertEquals(List.of(Double.NaN, Double.NaN, Double.NaN),
                List.of(component.cpuPoints(), component.memoryMib(), component.heapMib()));
        }
    }

    @Test
    void theSpreadThatAUserAsksForIsStormsOwnReadingOfIt() {
        Map<String, Object> newer = Map.of(Config.TOPOLOGY_RAS_CONSTRAINTS,
            Map.of("work", Map.of("maxNodeCoLocationCnt", 2), "nobody", Map.of("maxNodeCoLocationCnt", 1)));
        assertEquals(List.of(0, 0, 2), mostPerNode(newer));
        assertEquals(List.of(1, 0, 0), mostPerNode(Map.of("topology.spread.components", List.of("silent"))));
        assertEquals(List.of(0, 0, 0), mostPerNode(Map.of(Config.TOPOLOGY_RAS_CONSTRAINTS, "nonsense")));
    }

    @Test
    void componentsThatAreIncompatibleAreToBeApart() {
        Map<String, Object> asked =
            Map.of(Config.TOPOLOGY_RAS_CONSTRAINTS, Map.of("work", Map.of("incompatibleComponents", List.of("silent"))));
        assertEquals(List.of(new TopologyShape.Pair(0, 2)), shape(false, asked).apart());
    }

    @Test
    void whatATopologysUserSetAboutThalwegHasTheNamesOfTheClustersSettings() {
        Map<String, Object> asked = Map.of("topology.thalweg.mode", "confirm",
            "topology.thalweg.windows.freeze", List.of("0 18 * * FRI for 62h"), "thalweg.mode", "act");
        assertEquals("{\"thalweg.mode\":\"confirm\",\"thalweg.windows.freeze\":[\"0 18 * * FRI for 62h\"]}",
            shape(false, asked).settings());
        assertEquals("", shape(false, Map.of("thalweg.mode", "act")).settings());
    }

    @Test
    void whereASourceReadsIsToldByItsOwnConfigurationAndByNoOperators() {
        TopologyBuilder builder = new TopologyBuilder();
        builder.setSpout("source", new Synthetic.Source(), 1).addConfiguration("config.topics", "lines");
        builder.setBolt("work", new Synthetic.Operator(), 1).shuffleGrouping("source").addConfiguration("config.topics", "no");
        Map<ExecutorDetails, String> executors =
            Map.of(new ExecutorDetails(1, 1), "source", new ExecutorDetails(2, 2), "work");
        TopologyShape shape = TopologyShape.of(
            new TopologyDetails("t-1", new HashMap<>(Synthetic.CONF), builder.createTopology(), 1, executors, 0, "user"));
        assertEquals(List.of("{\"topics\":\"lines\"}", ""),
            shape.components().stream().map(TopologyShape.Component::feed).toList());
    }

    private static List<Integer> mostPerNode(Map<String, Object> asked) {
        return shape(false, asked).components().stream().map(TopologyShape.Component::mostPerNode).toList();
    }

    private static List<TopologyShape.Component> components(boolean declaring) {
        return shape(declaring, Map.of()).components();
    }

    private static TopologyShape shape(boolean declaring, Map<String, Object> asked) {
        TopologyBuilder builder = new TopologyBuilder();
        SpoutDeclarer source = builder.setSpout("source", new Synthetic.Source(), 1);
        builder.setBolt("silent", new Synthetic.Operator(), 1).shuffleGrouping("source");
        BoltDeclarer work = builder.setBolt("work", new Synthetic.Operator(), 1).shuffleGrouping("silent");
        if (declaring) {
            source.setMemoryLoad(110.0, 28.0);
            work.setCPULoad(25.0);
        }
        Map<ExecutorDetails, String> executors = new HashMap<>();
        List.of("silent", "source", "work").forEach(
            id -> executors.put(new ExecutorDetails(1 + executors.size(), 1 + executors.size()), id));
        Map<String, Object> conf = new HashMap<>(Synthetic.CONF);
        conf.putAll(asked);
        TopologyDetails topology = new TopologyDetails("t-1", conf, builder.createTopology(), 1, executors, 0, "user");
        return TopologyShape.of(topology);
    }
}
