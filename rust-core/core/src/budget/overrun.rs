//! Whether a plan would give all topologies together more than they may have, whoever wants it.

use super::meter::{Meter, present};
use super::queue::{Limit, Queue};
use crate::context::Context;
use crate::plan::Plan;
use crate::reason::Reason;

/// Lets go of a plan that would give all topologies together more than they may have.
pub fn within_budget(
    context: &Context<'_>,
    queue: &Queue,
    reasons: Vec<Reason>,
    plan: Option<Plan>,
) -> (Vec<Reason>, Option<Plan>) {
    let over = |plan: &Plan| {
        queue.limits().iter().find_map(|limit| over_budget(context, queue.meter(), limit, plan))
    };
    match plan.as_ref().and_then(over) {
        Some(over) => (std::iter::once(over).chain(reasons).collect(), None),
        None => (reasons, plan),
    }
}

/// Why a plan makes too much of one thing, if it does.
fn over_budget(context: &Context<'_>, meter: &Meter, limit: &Limit, plan: &Plan) -> Option<Reason> {
    let own = context.observation.topologies.iter().find(|t| t.id == plan.topology)?;
    let mut counts = present(own);
    let before = meter.measure(limit.resource, own, &counts);
    for (ordinal, component) in (0u32..).zip(&own.components) {
        counts.extend(plan.counts.get(&component.id).map(|count| (ordinal, *count)));
    }
    let more = meter.measure(limit.resource, own, &counts) - before;
    let after = limit.used() + more;
    limit.exceeded_by(after).filter(|_| more > 0.0)
}
