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
import org.apache.storm.generated.Bolt;
import org.apache.storm.generated.ComponentCommon;
import org.apache.storm.generated.ComponentObject;
import org.apache.storm.generated.InvalidTopologyException;
import org.apache.storm.generated.ShellComponent;
import org.apache.storm.generated.StormTopology;
import org.apache.storm.nimbus.ITopologyValidator;
import org.apache.storm.state.KeyValueState;
import org.apache.storm.task.ShellBolt;
import org.apache.storm.topology.IRichBolt;
import org.apache.storm.topology.OutputFieldsDeclarer;
import org.apache.storm.topology.TopologyBuilder;
import org.apache.storm.topology.base.BaseStatefulBolt;
import org.apache.storm.topology.base.BaseStatefulWindowedBolt;
import org.apache.storm.topology.base.BaseWindowedBolt;
import org.apache.storm.trident.TridentTopology;
import org.apache.storm.trident.operation.builtin.Debug;
import org.apache.storm.trident.testing.FixedBatchSpout;
import org.apache.storm.tuple.Fields;
import org.apache.storm.tuple.Tuple;
import org.apache.storm.tuple.Values;
import org.apache.storm.windowing.TupleWindow;
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

    /** Each task of these is more than a share of tuples: a process, a state, a window, a partition. */
    @Test
    void whatKeepsMoreThanTuplesInATaskStaysUnlessItIsListed() throws Exception {
        StormTopology topology = kinds();
        TaskHeadroom hook = new TaskHeadroom();
        hook.prepare(Map.of());
        hook.validate("t", topologyConf, topology);
        for (String kept : List.of("shell", "written", "stateful", "windowed", "statefulWindowed")) {
            assertNull(tasks(topology, kept), kept);
        }
        assertEquals(8, tasks(topology, "plain"), "in a topology with state its bolts are wrapped");

        hook.prepare(Map.of("thalweg.headroom.components", "shell, written, stateful, windowed, t/statefulWindowed"));
        hook.validate("t", topologyConf, topology);
        for (String listed : List.of("shell", "written", "stateful", "windowed", "statefulWindowed")) {
            assertEquals(8, tasks(topology, listed), listed);
        }
    }

    @Test
    @SuppressWarnings("unchecked")
    void tridentStaysUnlessItIsListed() throws Exception {
        TridentTopology trident = new TridentTopology();
        trident.newStream("numbers", new FixedBatchSpout(new Fields("f"), 3, new Values(1)))
            .each(new Fields("f"), new Debug()).parallelismHint(2).shuffle().each(new Fields("f"), new Debug()).parallelismHint(3);
        StormTopology topology = trident.build();
        TaskHeadroom hook = new TaskHeadroom();
        hook.prepare(Map.of());
        hook.validate("t", topologyConf, topology);
        assertTrue(topology.get_bolts().values().stream().anyMatch(bolt -> bolt.get_common().get_parallelism_hint() == 3));
        for (String id : topology.get_bolts().keySet()) {
            assertNull(tasks(topology, id), id);
        }
    }

    private static StormTopology kinds() {
        TopologyBuilder builder = new TopologyBuilder();
        builder.setSpout("source", new Synthetic.Source(), 2);
        builder.setBolt("plain", new Synthetic.Operator(), 2).shuffleGrouping("source");
        builder.setBolt("shell", new Script(), 2).shuffleGrouping("source");
        builder.setBolt("stateful", new Remembering(), 2).shuffleGrouping("source");
        builder.setBolt("windowed", new Windowed().withTumblingWindow(BaseWindowedBolt.Count.of(10)), 2).shuffleGrouping("source");
        builder.setBolt("statefulWindowed",
            new StatefulWindowed().withTumblingWindow(BaseWindowedBolt.Count.of(10)), 2).shuffleGrouping("source");
        StormTopology topology = builder.createTopology();
        Bolt written = topology.get_bolts().get("plain").deepCopy();
        written.set_bolt_object(ComponentObject.shell(new ShellComponent("python", "bolt.py")));
        topology.put_to_bolts("written", written);
        return topology;
    }

    private static final class Script extends ShellBolt implements IRichBolt {
        private static final long serialVersionUID = 1L;

        Script() {
            super("python", "bolt.py");
        }

        @Override
        public void declareOutputFields(OutputFieldsDeclarer declarer) { }

        @Override
        public Map<String, Object> getComponentConfiguration() {
            return null;
        }
    }

    private static final class Remembering extends BaseStatefulBolt<KeyValueState<String, String>> {
        private static final long serialVersionUID = 1L;

        @Override
        public void initState(KeyValueState<String, String> state) { }

        @Override
        public void execute(Tuple input) { }
    }

    private static final class Windowed extends BaseWindowedBolt {
        private static final long serialVersionUID = 1L;

        @Override
        public void execute(TupleWindow window) { }
    }

    private static final class StatefulWindowed extends BaseStatefulWindowedBolt<KeyValueState<String, String>> {
        private static final long serialVersionUID = 1L;

        @Override
        public void initState(KeyValueState<String, String> state) { }

        @Override
        public void execute(TupleWindow window) { }
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
