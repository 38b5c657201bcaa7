package io.thalweg.shell;

/**
 * How far an action is. Up to {@link #STARTED} the engine's own truth is the old one, so a failure leads back; from
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
    /** The cluster is as the plan desires, and nothing temporary is left. */
    CLEANED,
    /** Given up, and taken back. */
    ABORTED,
    /** Left to another process, which leads now. */
    ABANDONED;

    /** What a phase's work came to. */
    enum Result { DONE, FAILED, DEPOSED }

    /** The phase that follows. */
    Phase after(Result result) {
        if (result == Result.DEPOSED) {
            return last() ? this : ABANDONED;
        }
        if (result == Result.FAILED && !sticky()) {
            return ABORTED;
        }
        return switch (this) {
            case PREPARE -> STARTED;
            case STARTED -> SWITCHED;
            case SWITCHED -> COMMITTED;
            case COMMITTED, CLEANED -> CLEANED;
            case ABORTED, ABANDONED -> this;
        };
    }

    /** This phase, or what comes of it when leadership was lost. */
    Phase unless(boolean deposed) {
        return deposed ? ABANDONED : this;
    }

    /** Whether the action can only go forward from here. */
    boolean sticky() {
        return this == SWITCHED || this == COMMITTED || this == CLEANED;
    }

    /** Whether nothing is left to do. */
    boolean last() {
        return this == CLEANED || this == ABORTED || this == ABANDONED;
    }
}
