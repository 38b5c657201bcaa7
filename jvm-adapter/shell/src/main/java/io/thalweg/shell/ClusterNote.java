package io.thalweg.shell;

import java.util.Optional;

/**
 * A note in the cluster's own coordination service of what an action has done and not yet taken back. Whoever leads
 * next finds it there, whatever store it has itself.
 */
public interface ClusterNote {
    /** The note, if there is one. */
    Optional<String> read() throws Exception;

    /** Replaces the note. */
    void write(String json) throws Exception;

    /** Removes the note, if there is one. */
    void clear() throws Exception;

    /** What is added to the terms of leaders; zero until a store has given larger ones than the cluster's elections. */
    default long termBase() throws Exception {
        return 0;
    }

    /** Replaces that. */
    default void keepTermBase(long base) throws Exception { }

    /** Where the engine keeps no such place. */
    ClusterNote NONE = new ClusterNote() {
        @Override
        public Optional<String> read() {
            return Optional.empty();
        }

        @Override
        public void write(String json) { }

        @Override
        public void clear() { }
    };
}
