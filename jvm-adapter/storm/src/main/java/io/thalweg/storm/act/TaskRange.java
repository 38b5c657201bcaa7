package io.thalweg.storm.act;

import java.util.List;

/** An executor, named by its first and last task. */
public record TaskRange(int first, int last) implements Comparable<TaskRange> {
    /** The range of an executor id; elements after the second are none of Storm's business. */
    static TaskRange of(List<Long> executorId) {
        return new TaskRange(executorId.get(0).intValue(), executorId.get(1).intValue());
    }

    /** The executor id that Storm gives this range. */
    List<Long> id() {
        return List.of((long) first, (long) last);
    }

    /** Whether a task belongs to both. */
    boolean overlaps(TaskRange other) {
        return first <= other.last && other.first <= last;
    }

    @Override
    public int compareTo(TaskRange other) {
        return first != other.first ? Integer.compare(first, other.first) : Integer.compare(last, other.last);
    }

    @Override
    public String toString() {
        return "[" + first + "-" + last + "]";
    }
}
