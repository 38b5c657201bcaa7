package io.thalweg.shell;

/** An executor, named by its first and last task. */
public record TaskRange(int first, int last) implements Comparable<TaskRange> {
    /** Whether a task belongs to both. */
    public boolean overlaps(TaskRange other) {
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
