package io.thalweg.storm.act;

/** Says why a step of an action could not be done. */
final class StepFailed extends Exception {
    private static final long serialVersionUID = 1L;

    /** The reasons, stable for ever. */
    enum Code {
        /** No assignment can say what this plan needs a node to believe. */
        VIEW_NOT_EXPRESSIBLE,
        /** A slot that the plan needs free is taken, or no longer there. */
        SLOT_NOT_FREE,
        /** The running topology is no longer the one that the plan was made for. */
        PLAN_OUTDATED,
        /** The step took longer than it may. */
        STEP_DEADLINE,
        /** Nimbus or a supervisor did not do what it was asked. */
        STORM_REFUSED
    }

    private final Code code;

    StepFailed(Code code, String text) {
        super(text);
        this.code = code;
    }

    StepFailed(Code code, String text, Throwable cause) {
        super(text + ": " + cause, cause);
        this.code = code;
    }

    Code code() {
        return code;
    }
}
