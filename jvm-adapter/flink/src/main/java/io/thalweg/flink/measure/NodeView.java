package io.thalweg.flink.measure;

/** A TaskManager as it was seen at one instant. */
public record NodeView(String id, String host, int slots, double cpuPoints, double memoryMib) { }
