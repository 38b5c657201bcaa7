//! Executors that the sources and operators of all topologies may have together.
//!
//! Topologies are asked in the order of their priorities and bottleneck levels, and each finds what those before it
//! left. One that wants more gets as much of it as there is; what makes no more executors than there are is
//! always allowed.

use std::collections::BTreeMap;

use crate::context::Context;
use crate::model::{ComponentKind, Executor, Observation, Topology};
use crate::plan::Plan;
use crate::reason::{Reason, ReasonCode};
use crate::settings::Settings;

/// The wished counts, by component ordinal, as far as the budget reaches, and the reason if that is not all:
/// components that grow share what is left in proportion to what they wished for.
pub fn granted(
    context: &Context<'_>,
    topology: &Topology,
    desired: BTreeMap<u32, u32>,
) -> (BTreeMap<u32, u32>, Option<Reason>) {
    let &Context { observation, settings, .. } = context;
    let budget = settings.executor_budget;
    // Without one, nobody's executors need be counted: there may be thousands of topologies.
    if budget == 0 {
        return (desired, None);
    }
    let present = present(topology);
    let before = |ordinal: &u32| present.get(ordinal).copied().unwrap_or(0);
    let more = |(ordinal, count): (&u32, &u32)| count.saturating_sub(before(ordinal));
    let fewer = |(ordinal, count): (&u32, &u32)| before(ordinal).saturating_sub(*count);
    let (grows, shrinks) =
        (desired.iter().map(more).sum::<u32>(), desired.iter().map(fewer).sum::<u32>());
    let all = of_all(observation);
    let left = (budget + shrinks).saturating_sub(all);
    if grows <= left {
        return (desired, None);
    }
    let mut taken = (0u64, 0u64);
    let part = |(ordinal, count): (u32, u32)| {
        let (before, more) = (before(&ordinal), more((&ordinal, &count)));
        if more == 0 {
            return (ordinal, count);
        }
        // Rounded by what is taken in all, so that nothing of what is left stays unused.
        taken.0 += u64::from(more);
        let so_far = taken.0 * u64::from(left) / u64::from(grows);
        let own = so_far - std::mem::replace(&mut taken.1, so_far);
        (ordinal, before + u32::try_from(own).unwrap_or(u32::MAX))
    };
    let granted: BTreeMap<u32, u32> = desired.into_iter().map(part).collect();
    let changed = granted.into_iter().filter(|(ordinal, count)| *count != before(ordinal));
    (changed.collect(), Some(limited(f64::from(all - shrinks.min(all) + grows), settings)))
}

/// Lets go of a plan that would give all topologies together more executors than they may have.
pub fn within_budget(
    context: &Context<'_>,
    reasons: Vec<Reason>,
    plan: Option<Plan>,
) -> (Vec<Reason>, Option<Plan>) {
    let &Context { observation, settings, .. } = context;
    let budgeted = plan.as_ref().filter(|_| settings.executor_budget > 0);
    match budgeted.and_then(|plan| over_budget(observation, plan, settings)) {
        Some(over) => (std::iter::once(over).chain(reasons).collect(), None),
        None => (reasons, plan),
    }
}

/// Why a plan makes too many executors, if it does.
fn over_budget(observation: &Observation, plan: &Plan, settings: &Settings) -> Option<Reason> {
    let now = f64::from(of_all(observation));
    let own = observation.topologies.iter().find(|t| t.id == plan.topology)?;
    let present = present(own);
    let change = |(id, count): (&String, &u32)| {
        let ordinal = (0u32..).zip(&own.components).find(|(_, component)| component.id == *id);
        let before = ordinal.and_then(|(ordinal, _)| present.get(&ordinal).copied()).unwrap_or(0);
        f64::from(*count) - f64::from(before)
    };
    let after = now + plan.counts.iter().map(change).sum::<f64>();
    (after > f64::from(settings.executor_budget) && after > now).then(|| limited(after, settings))
}

fn limited(desired: f64, settings: &Settings) -> Reason {
    let text = "executors of all topologies that the plan would make";
    Reason::compared(ReasonCode::BudgetLimited, desired, f64::from(settings.executor_budget), text)
}

/// Executors of a topology's sources and operators, by component ordinal.
fn present(topology: &Topology) -> BTreeMap<u32, u32> {
    let mut counts = BTreeMap::new();
    let counted = |executor: &&Executor| {
        let component = topology.components.get(executor.component as usize);
        component.is_some_and(|component| component.kind != ComponentKind::System)
    };
    for executor in topology.executors.iter().filter(counted) {
        *counts.entry(executor.component).or_insert(0) += 1;
    }
    counts
}

fn of_all(observation: &Observation) -> u32 {
    observation.topologies.iter().flat_map(|topology| present(topology).into_values()).sum()
}
