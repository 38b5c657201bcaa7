package io.thalweg.topologies.flink.zoo;

import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.table.api.bridge.java.StreamTableEnvironment;

/** A join of two streams in SQL; needs Flink's planner in {@code lib/}. */
final class Sql {
    private Sql() {}

    static void join(StreamExecutionEnvironment environment, String name) {
        StreamTableEnvironment tables = StreamTableEnvironment.create(environment);
        tables.getConfig().set("pipeline.name", name);
        String side = "CREATE TABLE %s (id BIGINT, ptime AS PROCTIME()) WITH ('connector' = 'datagen', "
            + "'rows-per-second' = '20', 'fields.id.min' = '1', 'fields.id.max' = '50')";
        tables.executeSql(side.formatted("orders"));
        tables.executeSql(side.formatted("payments"));
        tables.executeSql("CREATE TABLE joined (id BIGINT, hits BIGINT) WITH ('connector' = 'blackhole')");
        tables.executeSql("INSERT INTO joined SELECT o.id, COUNT(*) FROM orders o JOIN payments p "
            + "ON o.id = p.id AND o.ptime BETWEEN p.ptime - INTERVAL '5' SECOND AND p.ptime GROUP BY o.id");
    }
}
