package io.thalweg.shell;

/** Says why a step of an action could not be done. */
public final class StepFailed extends Exception {
    private static final long serialVersionUID = 1L;

    /** The reasons, stable for ever. */
    public enum Code {
        /** No assignment can say what this plan needs a node to believe. */
        VIEW_NOT_EXPRESSIBLE,
        /** A slot that the plan needs free is taken, or no longer there. */
        SLOT_NOT_FREE,
        /** The running topology is no longer the one that the plan was made for. */
        PLAN_OUTDATED,
        /** The step took longer than it may. */
        STEP_DEADLINE,
        /** A restart would lose the topology's state. */
        CHECKPOINTS_MISSING,
        /** With what was changed the topology started again and again. */
        RESTARTS_AGAIN,
        /** The engine did not do what it was asked. */
        ENGINE_REFUSED,
        /** This process does not lead any more, so it does nothing more. */
        LEADERSHIP_LOST
    }

    private final Code code;

    /** Says why. */
    public StepFailed(Code code, String text) {
        super(text);
        this.code = code;
    }

    /** Says why, and what was thrown. */
    public StepFailed(Code code, String text, Throwable cause) {
        super(text + ": " + cause, cause);
        this.code = code;
    }

    /** The reason. */
    public Code code() {
        return code;
    }
}
