package io.thalweg.shell;

/**
 * How far an action is. Up to {@link #STARTED} nothing that runs was touched, so a failure leads back; from
 * {@link #SWITCHED} on the new executors carry the load, so a failure is noted and the action goes on.
 */
public enum Phase {
    /** New workers are asked for. */
    PREPARE,
    /** New workers are up; nobody sends to them yet. */
    STARTED,
    /** Senders were pointed to the new workers. */
    SWITCHED,
    /** Nimbus was given the new placement. */
    COMMITTED,
    /** The cluster is as the plan wished, and nothing temporary is left. */
    CLEANED,
    /** Given up with nothing changed. */
    ABORTED;

    /** What a phase's work came to. */
    enum Result { DONE, FAILED }

    /** The phase that follows. */
    Phase after(Result result) {
        if (result == Result.FAILED && !sticky()) {
            return ABORTED;
        }
        return switch (this) {
            case PREPARE -> STARTED;
            case STARTED -> SWITCHED;
            case SWITCHED -> COMMITTED;
            case COMMITTED, CLEANED -> CLEANED;
            case ABORTED -> ABORTED;
        };
    }

    /** Whether the action can only go forward from here. */
    boolean sticky() {
        return compareTo(SWITCHED) >= 0 && this != ABORTED;
    }

    /** Whether nothing is left to do. */
    boolean last() {
        return this == CLEANED || this == ABORTED;
    }
}
