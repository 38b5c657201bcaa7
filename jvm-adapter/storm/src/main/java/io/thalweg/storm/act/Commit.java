package io.thalweg.storm.act;

import io.thalweg.shell.Deadline;
import io.thalweg.shell.Plan;
import io.thalweg.shell.StepFailed;
import io.thalweg.shell.StepFailed.Code;
import io.thalweg.shell.Visible;
import io.thalweg.storm.cluster.Refusals;
import org.apache.storm.generated.AuthorizationException;
import org.apache.storm.generated.RebalanceOptions;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Makes a plan Nimbus's own truth. */
final class Commit {
    private static final Logger LOG = LoggerFactory.getLogger(Commit.class);

    /**
     * How long before a periodic round the rebalance is called. Nimbus's timer sleeps up to a second at a time but
     * wakes for the round, and spouts pause from the call until the timer takes up the rebalance. The call itself
     * takes 15 to 50 ms.
     */
    private static final long LEAD_MILLIS = 110;

    private static final long RETRY_MILLIS = 500;

    private final ActionContext context;
    private final Plan plan;

    Commit(ActionContext context, Plan plan) {
        this.context = context;
        this.plan = plan;
    }

    /** From now on scheduling rounds return the plan's placement. */
    void place() throws StepFailed {
        context.facade().commit(plan.id());
    }

    /** Fails if it is known that Nimbus would refuse. */
    void requireAllowed() throws StepFailed {
        if (needsRebalance()) {
            context.requireAllowed("rebalance");
        }
    }

    /** Whether the plan's executors differ from the running ones. */
    boolean needsRebalance() {
        return plan.kind() == Plan.Kind.COUNTS || plan.kind() == Plan.Kind.LAYOUT && !plan.counts().isEmpty();
    }

    /**
     * Asks Nimbus for the plan's executor counts, just before a round; tried again until the deadline. The number of
     * workers stays what the topology's user asked for: scheduling rounds do not need it.
     */
    void rebalance(int waitSecs, Deadline deadline) throws StepFailed, InterruptedException {
        RebalanceOptions options = new RebalanceOptions();
        options.set_wait_secs(waitSecs);
        options.set_num_executors(plan.counts());
        while (true) {
            long now = System.currentTimeMillis();
            Thread.sleep(Math.max(0, context.rounds().next(now + LEAD_MILLIS) - LEAD_MILLIS - now));
            context.facade().requireLeadership();
            try {
                context.requireAlive(plan);
                context.nimbus().call("rebalance", nimbus -> {
                    nimbus.rebalance(plan.name(), options);
                    return null;
                });
                return;
            } catch (StepFailed e) {
                throw e;
            } catch (AuthorizationException e) {
                throw new StepFailed(Code.ENGINE_REFUSED, "rebalance is not allowed: " + Refusals.remedy("rebalance"), e);
            } catch (Exception e) {
                LOG.warn("Nimbus refuses to rebalance {}: {}", Visible.text(plan.name()), e.toString());
                deadline.check().hold();
                if (deadline.passed()) {
                    throw new StepFailed(Code.ENGINE_REFUSED, "rebalance of " + plan.name(), e);
                }
                deadline.pause(RETRY_MILLIS);
            }
        }
    }
}
