package io.thalweg.storm;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.storm.scheduler.ExecutorDetails;
import org.apache.storm.scheduler.TopologyDetails;
import org.apache.storm.topology.TopologyBuilder;
import org.junit.jupiter.api.Test;

class TopologyShapeTest {
    @Test
    void onlyWhatUsersDeclaredCountsAsDeclared() {
        TopologyBuilder builder = new TopologyBuilder();
        builder.setSpout("source", new Synthetic.Source(), 1).setMemoryLoad(100.0, 28.0);
        builder.setBolt("silent", new Synthetic.Operator(), 1).shuffleGrouping("source");
        builder.setBolt("work", new Synthetic.Operator(), 1).shuffleGrouping("silent").setCPULoad(25.0);
        Map<ExecutorDetails, String> executors = new HashMap<>();
        List.of("silent", "source", "work").forEach(
            id -> executors.put(new ExecutorDetails(1 + executors.size(), 1 + executors.size()), id));
        TopologyDetails topology =
            new TopologyDetails("t-1", new HashMap<>(Synthetic.CONF), builder.createTopology(), 1, executors, 0, "user");

        List<TopologyShape.Component> components = TopologyShape.of(topology).components();
        assertEquals(List.of("silent", "source", "work"), components.stream().map(TopologyShape.Component::id).toList());
        assertEquals(List.of(Double.NaN, Double.NaN, 25.0), components.stream().map(TopologyShape.Component::cpuPoints).toList());
        assertEquals(List.of(Double.NaN, 128.0, Double.NaN),
            components.stream().map(TopologyShape.Component::memoryMib).toList());
    }
}
