package io.thalweg.shell;

/** One way of carrying out a plan: the work of each phase, and how to undo it. */
public interface Strategy {
    /** How records name it. */
    String name();

    /** Does the work that leads out of a phase. */
    void perform(Phase phase, Deadline deadline) throws Exception;

    /** What the record is to say of a phase whose work was done all the same. */
    default String remark(Phase phase) {
        return "";
    }

    /** Undoes what was done, before anything that runs was touched. */
    void back() throws Exception;

    /** Called last, unless the strategy is abandoned; leaves nothing temporary behind. */
    void end() throws Exception;

    /**
     * Lets go of everything in this process without another word to the cluster, where another process leads now and
     * takes back what was done.
     */
    default void abandon() { }
}
