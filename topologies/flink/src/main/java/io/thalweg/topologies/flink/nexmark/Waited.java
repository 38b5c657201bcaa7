package io.thalweg.topologies.flink.nexmark;

import io.thalweg.topologies.Pause;
import org.apache.flink.table.functions.ScalarFunction;

/** Hands on a number after a while, as a look-up in a service outside would. */
public final class Waited extends ScalarFunction {
    private static final long serialVersionUID = 1;

    private final Pause pause;

    Waited(Pause pause) {
        this.pause = pause;
    }

    /** The number; whom it is for only says that both have to be there. */
    public Long eval(Long number, Long whom) {
        pause.take();
        return number;
    }

    /** Or it might be asked less often. */
    @Override
    public boolean isDeterministic() {
        return false;
    }
}
