package io.thalweg.shell;

import io.thalweg.shell.StepFailed.Code;

/**
 * The time until which a step must be done.
 *
 * @param check fails once waiting makes no sense any more
 */
public record Deadline(long at, Check check) {
    private static final long LOOK_MILLIS = 50;

    /** A condition that may fail while it is looked at. */
    @FunctionalInterface
    public interface Condition {
        boolean holds() throws StepFailed, InterruptedException;
    }

    /** What must hold as long as anybody waits. */
    @FunctionalInterface
    public interface Check {
        void hold() throws StepFailed;
    }

    /** The deadline this far from now. */
    public static Deadline in(long millis, Check check) {
        return new Deadline(System.currentTimeMillis() + millis, check);
    }

    /** This far from now, or when this deadline is, whatever comes first. */
    public Deadline within(long millis) {
        return new Deadline(Math.min(at, System.currentTimeMillis() + millis), check);
    }

    /** The same deadline, this much later. */
    public Deadline later(long millis) {
        return new Deadline(at + millis, check);
    }

    /** Whether it is over. */
    public boolean passed() {
        return System.currentTimeMillis() >= at;
    }

    /** Looks at the condition until it holds. */
    public void await(String what, Condition condition) throws StepFailed, InterruptedException {
        while (!condition.holds()) {
            check.hold();
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
