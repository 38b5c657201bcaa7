package io.thalweg.storm;

import io.thalweg.bridge.Costs;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.reflect.Proxy;
import java.net.ServerSocket;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.storm.generated.BoltStats;
import org.apache.storm.generated.ExecutorInfo;
import org.apache.storm.generated.ExecutorSpecificStats;
import org.apache.storm.generated.ExecutorStats;
import org.apache.storm.generated.ExecutorSummary;
import org.apache.storm.generated.GlobalStreamId;
import org.apache.storm.generated.Nimbus;
import org.apache.storm.generated.NotAliveException;
import org.apache.storm.generated.SpoutStats;
import org.apache.storm.generated.TopologyInfo;
import org.apache.storm.generated.TopologySummary;
import org.apache.storm.scheduler.ExecutorDetails;
import org.apache.storm.scheduler.TopologyDetails;
import org.apache.storm.topology.TopologyBuilder;

/** Topologies that run and count as if they did, as Nimbus would tell of them; it notes when it is asked. */
final class RunningCluster {
    static final int PORTS = 400;
    static final int FIRST_PORT = 6700;
    private static final int COMPONENTS = 20;
    /** Of the operators, those that run twice. */
    private static final int TWICE = 16;
    private static final int RATE = 100;
    private static final String[] WINDOWS = {"600", "10800", "86400", ":all-time"};

    private final int nodes;
    private final List<TopologyDetails> topologies = new ArrayList<>();
    private final List<TopologySummary> summaries = new ArrayList<>();
    private final Map<String, TopologyInfo> infos = new HashMap<>();
    private final long begun = System.nanoTime();
    private final List<Long> calls = new ArrayList<>();
    private final List<Long> looks = new ArrayList<>();
    private int executors;

    RunningCluster(int size, int nodes) {
        this.nodes = nodes;
        for (int i = 0; i < size; i++) {
            add(i);
        }
    }

    static int freePort() {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    List<TopologyDetails> topologies() {
        return topologies;
    }

    int executors() {
        return executors;
    }

    /** What answers for Nimbus. */
    Nimbus.Iface nimbus() {
        return (Nimbus.Iface) Proxy.newProxyInstance(getClass().getClassLoader(), new Class<?>[] {Nimbus.Iface.class},
            (proxy, method, arguments) -> switch (method.getName()) {
                case "getTopologySummaries" -> {
                    noteLook();
                    yield summaries;
                }
                case "getTopologyInfoWithOpts" -> now((String) arguments[0]);
                default -> throw new UnsupportedOperationException(method.getName());
            });
    }

    private synchronized void noteLook() {
        looks.add(System.nanoTime());
        noteCall();
        notifyAll();
    }

    private synchronized void noteCall() {
        calls.add(System.nanoTime());
    }

    /** Waits until this many looks have begun. */
    synchronized void awaitLooks(int count) throws InterruptedException {
        while (looks.size() <= count) {
            wait();
        }
    }

    /** From the first to the last call of a look. */
    synchronized double longestLookSecs() {
        long longest = 0;
        for (int look = 0; look + 1 < looks.size(); look++) {
            long begin = looks.get(look);
            long end = looks.get(look + 1);
            long last = calls.stream().filter(call -> call < end).mapToLong(Long::longValue).max().orElse(begin);
            longest = Math.max(longest, last - begin);
        }
        return longest / 1e9;
    }

    synchronized int mostCallsInASecond() {
        return Costs.mostInASecond(calls);
    }

    private void add(int index) {
        String id = String.format("topology-%04d-1-1", index);
        TopologyBuilder builder = new TopologyBuilder();
        Map<ExecutorDetails, String> placed = new HashMap<>();
        List<ExecutorSummary> running = new ArrayList<>();
        int task = 1;
        for (int component = 0; component < COMPONENTS; component++) {
            String name = "c" + component;
            int count = component > 0 && component <= TWICE ? 2 : 1;
            if (component == 0) {
                builder.setSpout(name, new Synthetic.Source(), count).setNumTasks(count);
            } else {
                builder.setBolt(name, new Synthetic.Operator(), count).setNumTasks(count).shuffleGrouping("c" + (component - 1));
            }
            for (int i = 0; i < count; i++, task++) {
                placed.put(new ExecutorDetails(task, task), name);
                int slot = index * 2 + task % 2;
                ExecutorSummary summary = new ExecutorSummary(new ExecutorInfo(task, task), name, "node-" + slot % nodes,
                    FIRST_PORT + slot / nodes, 0);
                summary.set_stats(stats(component));
                running.add(summary);
                executors++;
            }
        }
        Map<String, Object> conf = new HashMap<>(Synthetic.CONF);
        conf.put("topology.name", "topology-" + index);
        topologies.add(new TopologyDetails(id, conf, builder.createTopology(), 2, placed, 0, "user"));
        TopologyInfo info = new TopologyInfo();
        info.set_id(id);
        info.set_name("topology-" + index);
        info.set_status("ACTIVE");
        info.set_uptime_secs(0);
        info.set_executors(running);
        info.set_errors(Map.of());
        infos.put(id, info);
        summaries.add(new TopologySummary(id, "topology-" + index, placed.size(), placed.size(), 2, 0, "ACTIVE"));
    }

    private static ExecutorStats stats(int component) {
        if (component == 0) {
            SpoutStats spout = new SpoutStats(each("default", 0L), each("default", 0L), each("default", 12.0));
            return new ExecutorStats(each("default", 0L), each("default", 0L), ExecutorSpecificStats.spout(spout), 1.0);
        }
        GlobalStreamId from = new GlobalStreamId("c" + (component - 1), "default");
        BoltStats bolt = new BoltStats(each(from, 0L), each(from, 0L), each(from, 2.0), each(from, 0L), each(from, 2.0));
        return new ExecutorStats(each("default", 0L), each("default", 0L), ExecutorSpecificStats.bolt(bolt), 1.0);
    }

    private static <K, V> Map<String, Map<K, V>> each(K stream, V value) {
        Map<String, Map<K, V>> all = new HashMap<>();
        for (String window : WINDOWS) {
            Map<K, V> values = new HashMap<>();
            values.put(stream, value);
            all.put(window, values);
        }
        return all;
    }

    /** The counters of a topology as they are by now. */
    private TopologyInfo now(String id) throws NotAliveException {
        noteCall();
        TopologyInfo info = infos.get(id);
        if (info == null) {
            throw new NotAliveException(id);
        }
        int secs = (int) ((System.nanoTime() - begun) / 1_000_000_000L);
        long count = (long) secs * RATE;
        info.set_uptime_secs(secs);
        for (ExecutorSummary executor : info.get_executors()) {
            executor.set_uptime_secs(secs);
            ExecutorStats stats = executor.get_stats();
            set(stats.get_emitted(), count);
            set(stats.get_transferred(), count);
            if (stats.get_specific().is_set_bolt()) {
                set(stats.get_specific().get_bolt().get_executed(), count);
                set(stats.get_specific().get_bolt().get_acked(), count);
            } else {
                set(stats.get_specific().get_spout().get_acked(), count);
            }
        }
        return info;
    }

    private static <K> void set(Map<String, Map<K, Long>> counters, long count) {
        counters.values().forEach(values -> values.replaceAll((stream, before) -> count));
    }
}
