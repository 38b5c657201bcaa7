package io.thalweg.storm;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import java.util.HashMap;
import java.util.Map;
import org.apache.storm.generated.StormTopology;
import org.apache.storm.scheduler.TopologyDetails;
import org.junit.jupiter.api.Test;

class ShapesTest {
    private final TopologyDetails before = Synthetic.topology("t", 1, 1, 1);
    private final Shapes shapes = new Shapes();

    @Test
    void aRebalanceThatChangesWhatIsDeclaredChangesTheShape() {
        assertEquals(Double.NaN, shapes.of(before).components().get(1).cpuPoints());
        assertSame(shapes.of(before), shapes.of(again(before.getTopology(), before.getConf())), "nothing changed");

        StormTopology graph = before.getTopology().deepCopy();
        graph.get_bolts().get("work").get_common().set_json_conf(
            "{\"topology.component.resources.map\": {\"cpu.pcore.percent\": 70.0}}");
        assertEquals(70.0, shapes.of(again(graph, before.getConf())).components().get(1).cpuPoints());
    }

    @Test
    void soDoesOneThatChangesTheTopologysConfiguration() {
        TopologyShape first = shapes.of(before);
        Map<String, Object> conf = new HashMap<>(before.getConf());
        conf.put("topology.ras.constraints", Map.of("work", Map.of("maxNodeCoLocationCnt", 1)));
        assertEquals(0, first.components().get(1).mostPerNode());
        assertEquals(1, shapes.of(again(before.getTopology(), conf)).components().get(1).mostPerNode());
    }

    private TopologyDetails again(StormTopology graph, Map<String, Object> conf) {
        return new TopologyDetails(before.getId(), conf, graph, 1, before.getExecutorToComponent(), 0, "user");
    }
}
