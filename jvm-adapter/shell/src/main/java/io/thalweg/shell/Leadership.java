package io.thalweg.shell;

import java.util.OptionalLong;

/** Whether this process leads the cluster: asked of the cluster itself, never concluded from a clock. */
@FunctionalInterface
public interface Leadership {
    /** A process that is always the only one. */
    Leadership ALONE = () -> OptionalLong.of(0);

    /** A number that grows with every change of leader; empty while another leads or nobody can tell. */
    OptionalLong term();

    /** The same as far as it was told of late: for whoever looks often, and does nothing upon it that outlives this process. */
    default OptionalLong lately() {
        return term();
    }
}
