package io.thalweg.flink.measure;

/**
 * A TaskManager as it was seen at one instant.
 *
 * @param free slots that no job holds, also none of those that are not read here
 * @param gcMillis for how long its garbage collectors have run; NaN where unknown
 * @param pin how much each of its slots has of the external resource by which it alone can be asked for; 0 without
 */
public record NodeView(String id, String host, int slots, int free, double cpuPoints, double memoryMib, double gcMillis,
        double pin) {
    /** The external resource by which a TaskManager alone can be asked for. */
    public static String pin(String id) {
        return "thalweg-" + id;
    }
}
