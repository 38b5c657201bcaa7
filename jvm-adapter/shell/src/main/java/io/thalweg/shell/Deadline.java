package io.thalweg.shell;

import io.thalweg.shell.StepFailed.Code;

/** The time until which a step must be done. */
public record Deadline(long at) {
    private static final long LOOK_MILLIS = 50;

    /** A condition that may fail while it is looked at. */
    @FunctionalInterface
    public interface Condition {
        boolean holds() throws StepFailed;
    }

    /** The deadline this far from now. */
    public static Deadline in(long millis) {
        return new Deadline(System.currentTimeMillis() + millis);
    }

    /** Whether it is over. */
    public boolean passed() {
        return System.currentTimeMillis() >= at;
    }

    /** Looks at the condition until it holds. */
    public void await(String what, Condition condition) throws StepFailed, InterruptedException {
        while (!condition.holds()) {
            if (passed()) {
                throw new StepFailed(Code.STEP_DEADLINE, "waited in vain for " + what);
            }
            Thread.sleep(LOOK_MILLIS);
        }
    }

    /** Waits this long, but not past the deadline. */
    public void pause(long millis) throws InterruptedException {
        Thread.sleep(Math.max(0, Math.min(millis, at - System.currentTimeMillis())));
    }
}
