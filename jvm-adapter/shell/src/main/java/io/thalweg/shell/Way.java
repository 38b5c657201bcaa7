package io.thalweg.shell;

/** One way of making a plan true: the work of each phase, and the way back. */
public interface Way {
    /** How records name it. */
    String name();

    /** Does the work that leads out of a phase. */
    void perform(Phase phase, Deadline deadline) throws Exception;

    /** Undoes what was done, before anything that runs was touched. */
    void back() throws Exception;

    /** Called last, unless the way is abandoned; leaves nothing temporary behind. */
    void end() throws Exception;

    /**
     * Lets go of everything in this process without another word to the cluster, where another process leads now and
     * takes back what was done.
     */
    default void abandon() { }
}
