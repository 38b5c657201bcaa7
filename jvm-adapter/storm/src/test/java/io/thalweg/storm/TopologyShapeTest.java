package io.thalweg.storm;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
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

    private static List<TopologyShape.Component> components(boolean declaring) {
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
        TopologyDetails topology =
            new TopologyDetails("t-1", new HashMap<>(Synthetic.CONF), builder.createTopology(), 1, executors, 0, "user");
        return TopologyShape.of(topology).components();
    }
}
