package io.thalweg.storm;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.apache.storm.metric.StormMetricsRegistry;
import org.apache.storm.scheduler.Cluster;
import org.apache.storm.scheduler.ExecutorDetails;
import org.apache.storm.scheduler.SupervisorDetails;
import org.apache.storm.scheduler.Topologies;
import org.apache.storm.scheduler.TopologyDetails;
import org.apache.storm.scheduler.WorkerSlot;
import org.apache.storm.scheduler.resource.normalization.ResourceMetrics;
import org.apache.storm.spout.SpoutOutputCollector;
import org.apache.storm.task.TopologyContext;
import org.apache.storm.topology.BasicOutputCollector;
import org.apache.storm.topology.OutputFieldsDeclarer;
import org.apache.storm.topology.TopologyBuilder;
import org.apache.storm.topology.base.BaseBasicBolt;
import org.apache.storm.topology.base.BaseRichSpout;
import org.apache.storm.tuple.Fields;
import org.apache.storm.tuple.Tuple;
import org.apache.storm.utils.Utils;

/** Clusters and topologies that only exist as Storm's scheduling objects. */
final class Synthetic {
    static final Map<String, Object> CONF = Utils.readDefaultConfig();

    private Synthetic() { }

    /** A topology of a source and an operator, two tasks to an operator's executor. */
    static TopologyDetails topology(String name, int workers, int sources, int operators) {
        TopologyBuilder builder = new TopologyBuilder();
        builder.setSpout("source", new Source(), sources);
        builder.setBolt("work", new Operator(), operators).shuffleGrouping("source");
        Map<ExecutorDetails, String> executors = new HashMap<>();
        for (int i = 0; i < sources; i++) {
            executors.put(new ExecutorDetails(1 + i, 1 + i), "source");
        }
        for (int i = 0; i < operators; i++) {
            int first = 1 + sources + 2 * i;
            executors.put(new ExecutorDetails(first, first + 1), "work");
        }
        Map<String, Object> conf = new HashMap<>(CONF);
        conf.put("topology.name", name);
        return new TopologyDetails(name + "-1", conf, builder.createTopology(), workers, executors, 0, "user");
    }

    /** A cluster of supervisors {@code node-00...} with ports from 6700, without assignments. */
    static Cluster cluster(int nodes, int ports, TopologyDetails... topologies) {
        return cluster(nodes, ports, Map.of(), topologies);
    }

    /** The same with these resources on each node. */
    static Cluster cluster(int nodes, int ports, Map<String, Double> resources, TopologyDetails... topologies) {
        Map<String, SupervisorDetails> supervisors = new TreeMap<>();
        for (int i = 0; i < nodes; i++) {
            Set<Integer> offered = new HashSet<>();
            for (int port = 0; port < ports; port++) {
                offered.add(6700 + port);
            }
            String id = String.format("node-%02d", i);
            supervisors.put(id, new SupervisorDetails(id, "host-" + id, null, offered, resources));
        }
        return new Cluster(new Standalone(), new ResourceMetrics(new StormMetricsRegistry()), supervisors, new HashMap<>(),
            new Topologies(topologies), new HashMap<>(CONF));
    }

    /** The executors of every slot of a topology. */
    static Map<WorkerSlot, Set<ExecutorDetails>> placement(Cluster cluster, TopologyDetails topology) {
        Map<WorkerSlot, Set<ExecutorDetails>> placement = new HashMap<>();
        cluster.getAssignmentById(topology.getId()).getSlotToExecutors()
            .forEach((slot, executors) -> placement.put(slot, new HashSet<>(executors)));
        return placement;
    }

    /** What Nimbus brings for a cluster of its own. */
    private static final class Standalone extends org.apache.storm.daemon.nimbus.Nimbus.StandaloneINimbus { }

    /** A source that is never run. */
    static final class Source extends BaseRichSpout {
        private static final long serialVersionUID = 1L;

        @Override
        public void open(Map<String, Object> conf, TopologyContext context, SpoutOutputCollector collector) { }

        @Override
        public void nextTuple() { }

        @Override
        public void declareOutputFields(OutputFieldsDeclarer declarer) {
            declarer.declare(new Fields("f"));
        }
    }

    /** An operator that is never run. */
    static final class Operator extends BaseBasicBolt {
        private static final long serialVersionUID = 1L;

        @Override
        public void execute(Tuple input, BasicOutputCollector collector) { }

        @Override
        public void declareOutputFields(OutputFieldsDeclarer declarer) {
            declarer.declare(new Fields("f"));
        }
    }

    /** A list of executors. */
    static List<ExecutorDetails> executors(TopologyDetails topology) {
        return TopologyShape.ordered(topology);
    }
}
