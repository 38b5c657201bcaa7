package io.thalweg.topologies.taxi.storm;

import io.thalweg.topologies.KafkaLines;
import io.thalweg.topologies.Work;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.apache.storm.Config;
import org.apache.storm.StormSubmitter;
import org.apache.storm.generated.StormTopology;
import org.apache.storm.kafka.spout.KafkaSpout;
import org.apache.storm.topology.TopologyBuilder;
import org.apache.storm.tuple.Fields;

/**
 * Demand, revenue and anomalies of taxi zones in sliding windows of an hour, and each window's top routes, at least
 * once: {@code trips -> clean (shuffle) -> demand (by zone)}, and {@code clean -> routes (by route) -> top (by window)}.
 * A few zones have most of the trips, so the skew is real.
 *
 * <p>Arguments are {@code key=value} pairs: {@code name}, {@code workers}, {@code clean}, {@code demand} and
 * {@code routes} (executors), {@code cleanCost} (milliseconds of CPU for each line), {@code iterationsPerMilli},
 * {@code pending}, {@code timeout} (seconds) and {@code out} (folder for journals). Trips are replayed by the topology,
 * {@code speedup} times faster than in truth and each {@code copies} times; where {@code bootstrap} names a Kafka, they
 * come from its {@code topic} with as many executors as {@code spouts} says. A key with a dot goes into the topology's
 * configuration.
 */
public final class Taxi {
    private static final Set<String> KEYS = Set.of("name", "workers", "clean", "demand", "routes", "cleanCost",
            "iterationsPerMilli", "speedup", "copies", "bootstrap", "topic", "spouts", "pending", "timeout", "out");

    private Taxi() {}

    /** Submits the topology to the cluster that Storm's configuration on the class path names. */
    public static void main(String[] arguments) throws Exception {
        Map<String, String> own = new HashMap<>();
        Config config = new Config();
        for (String argument : arguments) {
            int equals = argument.indexOf('=');
            String key = argument.substring(0, Math.max(0, equals));
            if (!key.contains(".") && !KEYS.contains(key)) {
                throw new IllegalArgumentException("unknown or not key=value: " + argument);
            }
            if (key.contains(".")) {
                config.put(key, argument.substring(equals + 1));
            } else {
                own.put(key, argument.substring(equals + 1));
            }
        }
        config.setNumWorkers(number(own, "workers", 1));
        config.setMaxSpoutPending(number(own, "pending", 500));
        config.setMessageTimeoutSecs(number(own, "timeout", 30));
        config.put(Config.TOPOLOGY_DISABLE_LOADAWARE_MESSAGING, true);
        StormSubmitter.submitTopology(name(own), config, topology(own));
    }

    static StormTopology topology(Map<String, String> own) {
        double cost = Double.parseDouble(own.getOrDefault("cleanCost", "0"));
        long perMilli = own.containsKey("iterationsPerMilli")
                ? Long.parseLong(own.get("iterationsPerMilli")) : cost > 0 ? Work.calibrate() : 0;
        TopologyBuilder builder = new TopologyBuilder();
        trips(builder, own);
        builder.setBolt("clean", new CleanBolt(Work.ofMillis(cost, perMilli)), number(own, "clean", 1))
                .shuffleGrouping("trips");
        builder.setBolt("demand", new DemandBolt(own.get("out")), number(own, "demand", 1))
                .fieldsGrouping("clean", new Fields("zone"));
        builder.setBolt("routes", new RoutesBolt(), number(own, "routes", 1))
                .fieldsGrouping("clean", new Fields("route"));
        builder.setBolt("top", new TopBolt(own.get("out")), 1).fieldsGrouping("routes", new Fields("start"));
        return builder.createTopology();
    }

    private static void trips(TopologyBuilder builder, Map<String, String> own) {
        String bootstrap = own.get("bootstrap");
        if (bootstrap == null) {
            double speedup = Double.parseDouble(own.getOrDefault("speedup", "3600"));
            builder.setSpout("trips", new ReplaySpout(speedup, number(own, "copies", 1)), 1);
        } else {
            var lines = KafkaLines.of(bootstrap, own.getOrDefault("topic", "trips"), name(own));
            builder.setSpout("trips", new KafkaSpout<>(lines.build()), number(own, "spouts", 1));
        }
    }

    private static String name(Map<String, String> own) {
        return own.getOrDefault("name", "taxi");
    }

    private static int number(Map<String, String> own, String key, int absent) {
        return Integer.parseInt(own.getOrDefault(key, Integer.toString(absent)));
    }
}
