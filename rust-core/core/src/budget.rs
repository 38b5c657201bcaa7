//! Executors that the sources and operators of all topologies may have together, and slots that one topology may have.
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

/// The desired counts, by component ordinal, as far as the budget reaches, and the reason if that is not all:
/// components that grow share what is left in proportion to what they asked for.
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
    let mut share = Shares::of(left, grows);
    let part = |(ordinal, count): (u32, u32)| match more((&ordinal, &count)) {
        0 => (ordinal, count),
        more => (ordinal, before(&ordinal) + share.of_next(more)),
    };
    let granted: BTreeMap<u32, u32> = desired.into_iter().map(part).collect();
    let changed = granted.into_iter().filter(|(ordinal, count)| *count != before(ordinal));
    (changed.collect(), Some(limited(f64::from(all - shrinks.min(all) + grows), settings)))
}

/// The desired counts, by component ordinal, as far as slots reach where components share them, and the reason if that
/// is not all: groups that need more slots share what is left in proportion.
pub fn within_slots(
    topology: &Topology,
    slots: u32,
    mut desired: BTreeMap<u32, u32>,
) -> (BTreeMap<u32, u32>, Option<Reason>) {
    let present = present(topology);
    let has = |index: usize| present.get(&(index as u32)).copied().unwrap_or(0);
    let before = topology.shared_slots(has);
    let after = topology
        .shared_slots(|index| desired.get(&(index as u32)).copied().unwrap_or_else(|| has(index)));
    let least = |group: &u32| before[group].min(after[group]);
    let more = |group: &u32| after[group] - least(group);
    let (kept, grows): (u32, u32) = (after.keys().map(least).sum(), after.keys().map(more).sum());
    let left = slots.saturating_sub(kept);
    if grows <= left {
        return (desired, None);
    }
    let mut share = Shares::of(left, grows);
    let granted: BTreeMap<u32, u32> =
        after.keys().map(|group| (*group, least(group) + share.of_next(more(group)))).collect();
    for (&ordinal, count) in &mut desired {
        let most = granted[&topology.slot_group(ordinal as usize)];
        *count = (*count).min(most.max(has(ordinal as usize)));
    }
    desired.retain(|ordinal, count| *count != has(*ordinal as usize));
    let text = "slots that all groups of components would need";
    let needed = f64::from(kept + grows);
    let limited = Reason::compared(ReasonCode::ClusterLimited, needed, f64::from(slots), text);
    (desired, Some(limited))
}

/// Shares of what is left for those who want more of it in all, rounded by what is taken in all, so that nothing of what
/// is left stays unused.
struct Shares {
    left: u64,
    wanted: u64,
    seen: u64,
    taken: u64,
}

impl Shares {
    fn of(left: u32, wanted: u32) -> Self {
        Self { left: left.into(), wanted: u64::from(wanted).max(1), seen: 0, taken: 0 }
    }

    /// What the next one gets of what it wants.
    fn of_next(&mut self, wants: u32) -> u32 {
        self.seen += u64::from(wants);
        let so_far = self.seen * self.left / self.wanted;
        let own = so_far - std::mem::replace(&mut self.taken, so_far);
        u32::try_from(own).unwrap_or(u32::MAX)
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Component, TaskRange};

    /// A source and two operators of one executor each; the last one has slots of its own.
    fn two_groups() -> Topology {
        let component = |slot_group| Component {
            kind: ComponentKind::Operator,
            slot_group,
            ..Component::default()
        };
        let executor = |index: u32| Executor {
            component: index,
            tasks: TaskRange::new(index, index),
            slot: None,
            counters: None,
        };
        Topology {
            components: vec![component(1), component(1), component(3)],
            executors: (0..3).map(executor).collect(),
            ..Topology::default()
        }
    }

    #[test]
    fn what_fits_is_left_as_it_is() {
        let desired = BTreeMap::from([(1, 4), (2, 4)]);
        assert_eq!(within_slots(&two_groups(), 8, desired.clone()), (desired, None));
    }

    #[test]
    fn groups_share_the_slots_that_are_left() {
        // 6 + 4 slots are wanted. The two that are used stay, and of 8 more there are 4: 2.5 for one and 1.5 for the other.
        let (granted, limited) =
            within_slots(&two_groups(), 6, BTreeMap::from([(0, 2), (1, 6), (2, 4)]));
        assert_eq!(granted, BTreeMap::from([(0, 2), (1, 3), (2, 3)]));
        let limited = limited.expect("it is limited");
        assert_eq!(
            (limited.code, limited.measured, limited.limit),
            (ReasonCode::ClusterLimited, Some(10.0), Some(6.0))
        );
    }

    #[test]
    fn what_one_group_gives_back_is_another_s() {
        let mut topology = two_groups();
        topology
            .executors
            .push(Executor { tasks: TaskRange::new(3, 3), ..topology.executors[2].clone() });
        let (granted, limited) = within_slots(&topology, 3, BTreeMap::from([(1, 2), (2, 1)]));
        assert_eq!((granted, limited), (BTreeMap::from([(1, 2), (2, 1)]), None));
    }

    #[test]
    fn without_a_slot_left_nothing_grows() {
        let (granted, limited) = within_slots(&two_groups(), 2, BTreeMap::from([(1, 2), (2, 2)]));
        assert!(granted.is_empty() && limited.is_some());
    }
}
