package io.thalweg.storm;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.storm.generated.ComponentCommon;
import org.apache.storm.generated.InvalidTopologyException;
import org.apache.storm.generated.StormTopology;
import org.apache.storm.nimbus.ITopologyValidator;
import org.apache.storm.topology.TopologyBuilder;
import org.apache.storm.tuple.Fields;
import org.junit.jupiter.api.Test;

class TaskHeadroomTest {
    private final Map<String, Object> topologyConf = new HashMap<>();

    @Test
    void boltsWithSeveralExecutorsGetTasksToGrow() throws Exception {
        assertEquals(8, tasks(validated(Map.of()), "split"));
    }

    @Test
    void whatWasSetOrMayNotGrowStays() throws Exception {
        StormTopology topology = validated(Map.of());
        assertEquals(3, tasks(topology, "own"));
        assertNull(tasks(topology, "single"));
        assertNull(tasks(topology, "global"));
        assertNull(tasks(topology, "source"));
    }

    @Test
    void listedComponentsGrowWhateverTheyAre() throws Exception {
        StormTopology topology = validated(Map.of("thalweg.headroom.components", List.of("source", "t/single", "global")));
        assertEquals(8, tasks(topology, "source"));
        assertEquals(4, tasks(topology, "single"));
        assertNull(tasks(topology, "global"));
    }

    @Test
    void tasksAreLimited() throws Exception {
        assertEquals(5, tasks(validated(Map.of("thalweg.headroom.factor", 10, "thalweg.headroom.max.tasks", 5)), "split"));
        assertEquals(2, tasks(validated(Map.of("thalweg.headroom.max.tasks", 1)), "split"));
    }

    @Test
    void shufflingTreatsAllTasksAlike() throws Exception {
        validated(Map.of());
        assertEquals(Map.of("topology.disable.loadaware.messaging", true), topologyConf);
    }

    @Test
    void localityStaysWhereItIsWanted() throws Exception {
        validated(Map.of("thalweg.shuffle.locality", "keep"));
        assertEquals(Map.of(), topologyConf);
        topologyConf.put("topology.localityaware.higher.bound", 0.5);
        validated(Map.of());
        assertEquals(Map.of("topology.localityaware.higher.bound", 0.5), topologyConf);
    }

    @Test
    void noSubmissionIsRefused() {
        TaskHeadroom hook = new TaskHeadroom();
        hook.prepare(Map.of());
        assertDoesNotThrow(() -> hook.validate("t", null, null));
        StormTopology odd = topology();
        odd.get_bolts().get("split").get_common().set_json_conf("no json");
        assertDoesNotThrow(() -> hook.validate("t", topologyConf, odd));
        assertEquals("no json", odd.get_bolts().get("split").get_common().get_json_conf());
    }

    @Test
    void theValidatorWhosePlaceItTakesIsAskedFirst() throws Exception {
        StormTopology topology = validated(Map.of("thalweg.delegate.validator", Strict.class.getName()));
        assertEquals(8, tasks(topology, "split"));
        topologyConf.put("forbidden", true);
        assertThrows(InvalidTopologyException.class, () -> validated(Map.of("thalweg.delegate.validator", Strict.class.getName())));
    }

    @Test
    void whatIsToBeCheckedIsNotLetThroughUnchecked() {
        for (String name : List.of("no.such.Validator", "java.lang.String")) {
            InvalidTopologyException refused =
                assertThrows(InvalidTopologyException.class, () -> validated(Map.of("thalweg.delegate.validator", name)));
            assertTrue(refused.get_msg().contains(name), refused.get_msg());
        }
    }

    /** A validator of somebody's own. */
    public static final class Strict implements ITopologyValidator {
        private boolean prepared;

        /** As Storm makes it. */
        public Strict() { }

        @Override
        public void prepare(Map<String, Object> conf) {
            prepared = true;
        }

        @Override
        public void validate(String name, Map<String, Object> conf, StormTopology topology) throws InvalidTopologyException {
            if (!prepared || conf.containsKey("forbidden")) {
                throw new InvalidTopologyException("forbidden");
            }
        }
    }

    private StormTopology validated(Map<String, Object> conf) throws Exception {
        TaskHeadroom hook = new TaskHeadroom();
        hook.prepare(conf);
        StormTopology topology = topology();
        hook.validate("t", topologyConf, topology);
        return topology;
    }

    private static StormTopology topology() {
        TopologyBuilder builder = new TopologyBuilder();
        builder.setSpout("source", new Synthetic.Source(), 2);
        builder.setBolt("split", new Synthetic.Operator(), 2).shuffleGrouping("source");
        builder.setBolt("own", new Synthetic.Operator(), 2).setNumTasks(3).fieldsGrouping("split", new Fields("f"));
        builder.setBolt("single", new Synthetic.Operator()).shuffleGrouping("split");
        builder.setBolt("global", new Synthetic.Operator(), 2).globalGrouping("split");
        return builder.createTopology();
    }

    private static Integer tasks(StormTopology topology, String id) throws Exception {
        ComponentCommon common = topology.get_bolts().containsKey(id)
            ? topology.get_bolts().get(id).get_common() : topology.get_spouts().get(id).get_common();
        String json = common.get_json_conf();
        return json == null ? null : (Integer) new ObjectMapper().readValue(json, Map.class).get("topology.tasks");
    }
}
