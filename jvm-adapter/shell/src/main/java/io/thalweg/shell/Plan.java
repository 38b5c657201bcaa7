package io.thalweg.shell;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/**
 * What the core wants of one topology: its executor counts, their memory in MiB where that changes, and the place of
 * every executor. {@code noRoomBeside} says that nodes cannot hold the new workers beside the old ones.
 */
public record Plan(String id, long epoch, String topology, String name, Kind kind, Map<String, Integer> counts,
                   Map<String, Integer> memoryMib, int workers, boolean noRoomBeside, List<Row> rows) {
    /** How far a plan reaches. */
    public enum Kind {
        /** Executor counts change. */
        COUNTS,
        /** The same executors in other slots. */
        MOVE,
        /** Sources or ackers move too, which cannot be done beside the running ones. */
        LAYOUT
    }

    /** One line of the migration table; a side is null where the executor is nowhere. */
    public record Row(String component, TaskRange range, Place before, Place after) { }

    /** Reads a plan as the core writes it. */
    public static Plan read(JsonNode json) {
        List<Row> rows = new ArrayList<>();
        for (JsonNode row : json.required("rows")) {
            TaskRange range = new TaskRange(row.required("first").asInt(), row.required("last").asInt());
            rows.add(new Row(row.path("component").asText(), range, place(row.get("before")), place(row.get("after"))));
        }
        Kind kind = Kind.valueOf(json.required("kind").asText().toUpperCase(Locale.ROOT));
        return new Plan(json.required("id").asText(), json.path("epoch").asLong(), json.required("topology").asText(),
            json.required("name").asText(), kind, byComponent(json.path("counts")), byComponent(json.path("memory_mib")),
            json.path("workers").asInt(), json.path("no_room_beside").asBoolean(), rows);
    }

    /** Where the plan desires each executor. */
    public Map<TaskRange, Place> desired() {
        Map<TaskRange, Place> placement = new TreeMap<>();
        for (Row row : rows) {
            if (row.after() != null) {
                placement.put(row.range(), row.after());
            }
        }
        return placement;
    }

    private static Map<String, Integer> byComponent(JsonNode given) {
        Map<String, Integer> values = new TreeMap<>();
        given.fieldNames().forEachRemaining(component -> values.put(component, given.path(component).asInt()));
        return values;
    }

    private static Place place(JsonNode json) {
        return json == null || json.isNull() ? null : new Place(json.required("node").asText(), json.required("port").asInt());
    }
}
