//! From desired executor counts to an intent, with the limits that they meet named.

use std::collections::BTreeMap;

use super::situation::{Intent, Situation};
use crate::demand::Demand;
use crate::reason::{Reason, ReasonCode};

/// The executors that a policy wants for a component, before limits.
pub type DesiredCounts = BTreeMap<usize, u32>;

/// Makes the intent: counts within what tasks and partitions allow, and the limits that were met.
pub fn intent(situation: &Situation<'_>, desired: &DesiredCounts, reasons: Vec<Reason>) -> Intent {
    intent_with_memory(situation, desired, &DesiredCounts::new(), reasons)
}

/// The same with memory of executors in MiB, of the components where it is to change.
pub fn intent_with_memory(
    situation: &Situation<'_>,
    desired: &DesiredCounts,
    memory: &DesiredCounts,
    reasons: Vec<Reason>,
) -> Intent {
    let ordinal = |index: usize| u32::try_from(index).unwrap_or(u32::MAX);
    let mut counts = BTreeMap::new();
    let mut desired_tasks = BTreeMap::new();
    let mut limits = Vec::new();
    for (&index, &count) in desired {
        let Some(component) = situation.flow.components.get(index) else { continue };
        let bounded = bounded(situation, index, count);
        if bounded < count {
            limits.push(limit(situation, index, count, bounded));
        }
        if count > component.tasks {
            desired_tasks.insert(ordinal(index), count);
        }
        if bounded != component.executors {
            counts.insert(ordinal(index), bounded);
        }
    }
    let memory_mib: BTreeMap<u32, u32> =
        memory.iter().map(|(&index, &mib)| (ordinal(index), mib)).collect();
    match counts.is_empty() && memory_mib.is_empty() {
        true => Intent::Stay(limits.into_iter().chain(reasons).collect()),
        false => {
            let reasons = reasons.into_iter().chain(limits).collect();
            Intent::Scale { counts, memory_mib, desired_tasks, growth: BTreeMap::new(), reasons }
        }
    }
}

/// What of a desired count tasks, partitions and the cluster allow.
pub fn bounded(situation: &Situation<'_>, index: usize, count: u32) -> u32 {
    count.clamp(1, situation.most(index))
}

/// What a component would need, and what stands against it.
pub fn limit(situation: &Situation<'_>, index: usize, count: u32, bounded: u32) -> Reason {
    let component = &situation.flow.components[index];
    let id = situation.id(index);
    let (code, what) = match bounded {
        _ if bounded < component.most() => (ReasonCode::ClusterLimited, "the cluster's slots"),
        _ if component.bound == Some(bounded) => (ReasonCode::BoundsLimited, "its user's bounds"),
        _ if component.single => (ReasonCode::TaskLimited, "streams that all go to one task"),
        _ if bounded < component.tasks => (ReasonCode::SourceLimited, "its partitions"),
        _ => (ReasonCode::TaskLimited, "its tasks"),
    };
    let text = format!("{id} would need {count} executors, {what} allow {bounded}");
    Reason::compared(code, f64::from(count), f64::from(bounded), text)
}

/// Executors that the desired counts add, as far as limits allow; below 0 when they take some away.
pub fn direction(situation: &Situation<'_>, desired: &DesiredCounts) -> i64 {
    let change = |(index, count): (&usize, &u32)| {
        let component = &situation.flow.components[*index];
        i64::from((*count).clamp(1, component.most())) - i64::from(component.executors)
    };
    let changes: Vec<i64> = desired.iter().map(change).collect();
    // A component that is short matters more than others that have too much.
    changes.iter().copied().find(|c| *c > 0).unwrap_or_else(|| changes.iter().sum())
}

/// Why the desired counts differ from what is: the component whose demand is furthest from its capacity.
pub fn main_reason(
    situation: &Situation<'_>,
    desired: &DesiredCounts,
    demand: &[Option<Demand>],
) -> Reason {
    let used = |index: usize| {
        let component = &situation.flow.components[index];
        let capacity = component.true_rate()? * f64::from(component.executors);
        Some((index, demand[index]?.of(component.executors), capacity))
    };
    let changed = desired
        .iter()
        .filter(|(index, count)| situation.flow.components[**index].executors != **count)
        .filter_map(|(index, _)| used(*index));
    let up = direction(situation, desired) > 0;
    let furthest = changed.max_by(|a, b| {
        let (a, b) = (a.1 / a.2.max(1e-9), b.1 / b.2.max(1e-9));
        if up { a.total_cmp(&b) } else { b.total_cmp(&a) }
    });
    let Some((index, demand, capacity)) = furthest else { return unknown_rates() };
    let code = if up { ReasonCode::DemandAboveCapacity } else { ReasonCode::DemandBelowCapacity };
    let text = format!("records per second asked of {}, and what it can do", situation.id(index));
    Reason::compared(code, demand, capacity, text)
}

/// Why nothing is desired where no rate can be told.
pub fn unknown_rates() -> Reason {
    Reason::plain(
        ReasonCode::RatesUnknown,
        "neither demand nor true rate of any component can be told from what was measured",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::testing::Case;

    #[test]
    fn where_each_executor_needs_a_slot_the_cluster_is_the_limit() {
        let mut case = Case::line(1000.0, &[(4, 1000.0, 0.9)]);
        case.slots = Some(6);
        let mut reasons = Vec::new();
        let counts = case.counts(|situation| {
            let found = intent(situation, &DesiredCounts::from([(1, 9)]), Vec::new());
            let Intent::Scale { reasons: limits, .. } = &found else { return found };
            reasons.clone_from(limits);
            found
        });
        assert_eq!(counts, [(1, 6)]);
        assert_eq!(
            reasons.iter().map(|r| r.code).collect::<Vec<_>>(),
            [ReasonCode::ClusterLimited]
        );
    }
}
