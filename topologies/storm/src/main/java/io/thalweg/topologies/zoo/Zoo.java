package io.thalweg.topologies.zoo;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.apache.storm.Config;
import org.apache.storm.StormSubmitter;
import org.apache.storm.flux.FluxBuilder;
import org.apache.storm.flux.model.ExecutionContext;
import org.apache.storm.flux.model.TopologyDef;
import org.apache.storm.flux.parser.FluxParser;
import org.apache.storm.generated.StormTopology;
import org.apache.storm.metric.LoggingMetricsConsumer;
import org.apache.storm.topology.TopologyBuilder;
import org.apache.storm.trident.TridentTopology;
import org.apache.storm.trident.operation.builtin.Count;
import org.apache.storm.trident.testing.FixedBatchSpout;
import org.apache.storm.trident.testing.MemoryMapState;
import org.apache.storm.tuple.Fields;
import org.apache.storm.tuple.Values;

/**
 * Topologies of the kinds that people run: each is small, and shows what a scheduler may take for something else.
 *
 * <p>Arguments are {@code key=value} pairs: {@code members} names those to submit, with commas between them; a name may be
 * followed by a number, for several of one kind ({@code plain-2}). {@code rate} names the file with the rate of
 * {@link #busy}. A key with a dot goes into the configuration of each.
 */
public final class Zoo {
    private static final Set<String> KEYS = Set.of("name", "members", "rate");
    private static final int TIMEOUT_SECS = 10;
    private static final double SLOW = 20;
    private static final double FAST = 20_000;

    /** Makes a topology, and adds what is its own to the configuration. */
    private interface Member {
        StormTopology build(Config config) throws Exception;
    }

    private final Map<String, Member> members = new LinkedHashMap<>();
    private final String rate;

    private Zoo(String rate) {
        this.rate = rate;
        members.put("plain", Zoo::plain);
        members.put("wide", Zoo::wide);
        members.put("declared", Zoo::declared);
        members.put("flux", Zoo::flux);
        members.put("shell", Zoo::shell);
        members.put("windowed", Zoo::windowed);
        members.put("stateful", Zoo::stateful);
        members.put("trident", Zoo::trident);
        members.put("ticking", Zoo::ticking);
        members.put("looping", Zoo::looping);
        members.put("later", Zoo::later);
        members.put("failing", Zoo::failing);
        members.put("unacked", Zoo::unacked);
        members.put("metered", Zoo::metered);
        members.put("grouped", Zoo::grouped);
        members.put("alone", Zoo::alone);
        members.put("hasty", Zoo::hasty);
        members.put("busy", this::busy);
    }

    /** Submits the members to the cluster that Storm's configuration on the class path names. */
    public static void main(String[] arguments) throws Exception {
        Map<String, String> own = new TreeMap<>();
        Map<String, Object> all = new TreeMap<>();
        for (String argument : arguments) {
            int equals = argument.indexOf('=');
            String key = argument.substring(0, Math.max(0, equals));
            if (!key.contains(".") && !KEYS.contains(key)) {
                throw new IllegalArgumentException("unknown or not key=value: " + argument);
            }
            String value = argument.substring(equals + 1);
            if (key.contains(".")) {
                // Storm checks the types of configuration values.
                all.put(key, value.matches("[0-9]+") ? Long.valueOf(value) : value);
            } else {
                own.put(key, value);
            }
        }
        Zoo zoo = new Zoo(own.get("rate"));
        for (String name : own.getOrDefault("members", "plain").split(",")) {
            Config config = new Config();
            StormTopology topology = zoo.build(name, config);
            config.putAll(all);
            StormSubmitter.submitTopology(name, config, topology);
        }
    }

    /** A member's topology; its settings go into the configuration. */
    static StormTopology build(String name) throws Exception {
        return new Zoo(null).build(name, new Config());
    }

    /** The kinds that there are. */
    static Set<String> kinds() {
        return new Zoo(null).members.keySet();
    }

    private StormTopology build(String name, Config config) throws Exception {
        Member member = members.get(name.replaceAll("-[0-9]+$", ""));
        if (member == null) {
            throw new IllegalArgumentException("no member " + name + ", but " + members.keySet());
        }
        config.setNumWorkers(1);
        config.setMessageTimeoutSecs(TIMEOUT_SECS);
        return member.build(config);
    }

    private static StormTopology plain(Config config) {
        TopologyBuilder builder = beating(SLOW);
        builder.setBolt("sink", new Sink(), 1).shuffleGrouping("beat");
        return builder.createTopology();
    }

    /** Many components in one worker, as most topologies have. */
    private static StormTopology wide(Config config) {
        TopologyBuilder builder = beating(SLOW);
        String before = "beat";
        for (int step = 1; step <= 5; step++) {
            String name = "step [" + step + "]"; // names are users' own
            builder.setBolt(name, new Relay(0.5), 2).setNumTasks(2).shuffleGrouping(before);
            before = name;
        }
        builder.setBolt("sink", new Sink(), 1).globalGrouping(before);
        return builder.createTopology();
    }

    /** What it needs is declared, as for Storm's ResourceAwareScheduler. */
    private static StormTopology declared(Config config) {
        config.setTopologyWorkerMaxHeapSize(256.0);
        TopologyBuilder builder = new TopologyBuilder();
        builder.setSpout("beat", new Beat(SLOW), 1).setCPULoad(10).setMemoryLoad(32);
        builder.setBolt("relay", new Relay(1), 2).setCPULoad(15).setMemoryLoad(48).shuffleGrouping("beat");
        builder.setBolt("sink", new Sink(), 1).setCPULoad(5).setMemoryLoad(32).shuffleGrouping("relay");
        return builder.createTopology();
    }

    private static StormTopology flux(Config config) throws Exception {
        TopologyDef definition = FluxParser.parseResource("/zoo/flux.yaml", false, true, null, false);
        Config own = FluxBuilder.buildConfig(definition);
        config.putAll(own);
        return FluxBuilder.buildTopology(new ExecutionContext(definition, own));
    }

    /** Each of its processes takes twenty milliseconds for a word, so that it needs two of its four. */
    private static StormTopology shell(Config config) {
        TopologyBuilder builder = beating(3 * SLOW);
        builder.setBolt("shout", new Shout(), 4).shuffleGrouping("beat");
        builder.setBolt("sink", new Sink(), 1).shuffleGrouping("shout");
        return builder.createTopology();
    }

    private static StormTopology windowed(Config config) {
        TopologyBuilder builder = beating(SLOW);
        builder.setBolt("windows", new Windows(), 2).shuffleGrouping("beat");
        builder.setBolt("sink", new Sink(), 1).shuffleGrouping("windows");
        return builder.createTopology();
    }

    /** Storm adds a source of its own, which has states be kept. */
    private static StormTopology stateful(Config config) {
        TopologyBuilder builder = beating(SLOW);
        builder.setBolt("ledger", new Ledger(), 2).fieldsGrouping("beat", new Fields("word"));
        builder.setBolt("sink", new Sink(), 1).shuffleGrouping("ledger");
        return builder.createTopology();
    }

    @SuppressWarnings("unchecked") // an array of lists, which Trident's spout asks for
    private static StormTopology trident(Config config) {
        FixedBatchSpout words = new FixedBatchSpout(new Fields("word"), 3, new Values("ness"), new Values("ore"), new Values("pike"));
        words.setCycle(true);
        TridentTopology topology = new TridentTopology();
        topology.newStream("words", words)
            .parallelismHint(1)
            .groupBy(new Fields("word"))
            .persistentAggregate(new MemoryMapState.Factory(), new Count(), new Fields("count"))
            .parallelismHint(2);
        return topology.build();
    }

    /** Its source is silent, and its bolt lives on ticks. */
    private static StormTopology ticking(Config config) {
        TopologyBuilder builder = beating(0);
        builder.setBolt("clock", new Clock(), 2).shuffleGrouping("beat");
        builder.setBolt("sink", new Sink(), 1).shuffleGrouping("clock");
        return builder.createTopology();
    }

    private static StormTopology looping(Config config) {
        TopologyBuilder builder = beating(SLOW);
        builder.setBolt("relay", new Relay(1), 2).shuffleGrouping("beat").shuffleGrouping("sieve", Sieve.BACK);
        builder.setBolt("sieve", new Sieve(), 2).shuffleGrouping("relay");
        builder.setBolt("sink", new Sink(), 1).shuffleGrouping("sieve");
        return builder.createTopology();
    }

    private static StormTopology later(Config config) {
        TopologyBuilder builder = beating(SLOW);
        builder.setBolt("later", new Later(), 4).shuffleGrouping("beat");
        builder.setBolt("sink", new Sink(), 1).shuffleGrouping("later");
        return builder.createTopology();
    }

    private static StormTopology failing(Config config) {
        TopologyBuilder builder = beating(SLOW);
        builder.setBolt("sink", new Fails(), 1).shuffleGrouping("beat");
        return builder.createTopology();
    }

    /** Without ackers, at most once. */
    private static StormTopology unacked(Config config) {
        config.setNumAckers(0);
        TopologyBuilder builder = new TopologyBuilder();
        builder.setSpout("beat", new Beat(SLOW).untracked(), 1);
        builder.setBolt("relay", new Relay(1), 2).localOrShuffleGrouping("beat");
        builder.setBolt("sink", new Sink(), 1).shuffleGrouping("relay");
        return builder.createTopology();
    }

    /** With components that Storm adds: a consumer of metrics, and a logger of events. */
    private static StormTopology metered(Config config) {
        config.registerMetricsConsumer(LoggingMetricsConsumer.class, 2);
        config.setNumEventLoggers(1);
        return plain(config);
    }

    /** Rules for all beside data that is told apart by a grouping of its own; components are far from alike. */
    private static StormTopology grouped(Config config) {
        TopologyBuilder builder = beating(SLOW);
        builder.setSpout("rules", new Beat(1), 1);
        builder.setBolt("match", new Relay(1), 2).customGrouping("beat", new Evens()).allGrouping("rules");
        builder.setBolt("sink", new Sink(), 2).partialKeyGrouping("match", new Fields("word"));
        return builder.createTopology();
    }

    /** A source and nothing else, as one that writes by itself. */
    private static StormTopology alone(Config config) {
        return beating(SLOW).createTopology();
    }

    /** So many tuples that those who keep track of them have most to do. Each executor asks for a worker of its own. */
    private static StormTopology hasty(Config config) {
        config.setNumWorkers(3);
        config.setNumAckers(1);
        config.setMaxSpoutPending(5_000);
        TopologyBuilder builder = beating(FAST);
        builder.setBolt("sink", new Sink(), 1).shuffleGrouping("beat");
        return builder.createTopology();
    }

    /** The one whose load changes. It asks for two workers, so it can be changed while it runs. */
    private StormTopology busy(Config config) {
        config.setNumWorkers(2);
        config.setNumAckers(1);
        config.setMaxSpoutPending(200);
        TopologyBuilder builder = new TopologyBuilder();
        builder.setSpout("beat", new Beat(SLOW).steeredBy(rate), 1);
        builder.setBolt("heavy", new Relay(10), 1).setNumTasks(4).shuffleGrouping("beat");
        builder.setBolt("sink", new Sink(), 1).shuffleGrouping("heavy");
        return builder.createTopology();
    }

    private static TopologyBuilder beating(double rate) {
        TopologyBuilder builder = new TopologyBuilder();
        builder.setSpout("beat", new Beat(rate), 1);
        return builder;
    }
}
