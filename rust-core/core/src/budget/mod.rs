//! What all topologies may have together, and slots that one topology may have.
//!
//! Topologies are asked in the order of their priorities and bottleneck levels, and each finds what those before it
//! left, as far as nothing is kept for one that waits ([`queue`]). One that wants more gets as much of it as there is; what
//! makes no more than there is is always allowed.

mod meter;
pub mod queue;

use std::collections::BTreeMap;

use crate::context::Context;
use crate::model::Topology;
use crate::plan::Plan;
use crate::reason::{Reason, ReasonCode};
use crate::settings::Resource;
use crate::state::Queued;
use crate::units::Millis;
use meter::{Meter, present};
use queue::{Limit, Queue};

/// What becomes of desired counts before the budget.
pub struct Granted {
    /// The counts, by component ordinal, as far as it reaches.
    pub counts: BTreeMap<u32, u32>,
    /// Why that is not all; empty if it is.
    pub limited: Vec<Reason>,
    /// What is waited for.
    pub queued: Option<Queued>,
}

/// A topology before the budget.
pub struct Asking<'a> {
    /// The observation, and by what and when it is judged.
    pub context: &'a Context<'a>,
    /// The index of the topology.
    pub index: usize,
    /// How all topologies stand to the budget.
    pub queue: &'a Queue,
    /// What this one was waiting for before it was asked.
    pub waited: Option<&'a Queued>,
}

impl Asking<'_> {
    /// The desired counts, by component ordinal, as far as the budget reaches: components that grow share what is left in
    /// proportion to what they asked for.
    pub fn granted(&self, desired: BTreeMap<u32, u32>) -> Granted {
        let all = |counts| Granted { counts, limited: Vec::new(), queued: None };
        let Some(topology) = self.context.observation.topologies.get(self.index) else {
            return all(desired);
        };
        // Without a limit, nobody's executors need be counted.
        if self.queue.limits().is_empty() {
            return all(desired);
        }
        let (meter, has) = (Meter::of(self.context), present(topology));
        let before = |ordinal: &u32| has.get(ordinal).copied().unwrap_or(0);
        let more = |(ordinal, count): (&u32, &u32)| count.saturating_sub(before(ordinal));
        let grows: u32 = desired.iter().map(more).sum();
        let part = |grown: u32| -> BTreeMap<u32, u32> {
            let mut share = Shares::of(grown, grows);
            let part = |(ordinal, count): (&u32, &u32)| match more((ordinal, count)) {
                0 => (*ordinal, *count),
                more => (*ordinal, before(ordinal) + share.of_next(more)),
            };
            desired.iter().map(part).collect()
        };
        let measure = |limit: &Limit, counts: &BTreeMap<u32, u32>| {
            let mut all = has.clone();
            all.extend(counts);
            meter.measure(limit.resource, topology, &all)
        };
        let fits = |limit: &Limit, counts: &BTreeMap<u32, u32>| {
            let would_have = measure(limit, counts);
            let most = limit.most_of(self.index) * (1.0 + ROUNDING);
            would_have <= most || would_have <= limit.has(self.index)
        };
        let short: Vec<&Limit> =
            self.queue.limits().iter().filter(|limit| !fits(limit, &desired)).collect();
        if short.is_empty() {
            return all(desired);
        }
        let fit = |grown: &u32| short.iter().all(|limit| fits(limit, &part(*grown)));
        let counts = part(most(grows, fit));
        let now = self.context.now;
        let since = self.waited.map_or(now, |waited| waited.since);
        let wants = short.iter().map(|limit| (limit.resource, measure(limit, &desired))).collect();
        let queued = Queued { since, asked: now, wants };
        let limited = short.iter().flat_map(|limit| self.reasons(limit, &queued)).collect();
        let changed = counts.into_iter().filter(|(ordinal, count)| *count != before(ordinal));
        Granted { counts: changed.collect(), limited, queued: Some(queued) }
    }

    /// Why a topology does not get all that it wants of one thing, and what would clear its way.
    fn reasons(&self, limit: &Limit, queued: &Queued) -> Vec<Reason> {
        let wants = queued.wants.get(&limit.resource).copied().unwrap_or(0.0);
        let would_be = limit.used() - limit.has(self.index) + wants;
        let all = (would_be > limit.most).then(|| over(limit.resource, would_be, limit.most));
        let own = match limit.waiting_before(self.index).as_slice() {
            [] => self.waits(limit, queued),
            before => {
                let (unit, before) = (limit.resource.unit(), before.join(", "));
                let text = format!(
                    "{unit} that it would have; what is left beyond its share is kept for {before}"
                );
                let most = limit.most_of(self.index).max(limit.has(self.index));
                Reason::compared(ReasonCode::ShareLimited, wants, most, text)
            }
        };
        all.into_iter().chain([own]).collect()
    }

    /// Since when a topology waits, and for whom.
    fn waits(&self, limit: &Limit, queued: &Queued) -> Reason {
        let over = limit.over_their_shares(self.index);
        let named = |(name, by): &(&str, f64)| format!("{name} by {}", rounded(*by));
        let whose = match over.as_slice() {
            [] => "nobody has more than its share, so a larger budget would help".to_owned(),
            over => {
                let named: Vec<String> = over.iter().take(NAMED).map(named).collect();
                format!("over their shares: {}", named.join(", "))
            }
        };
        let minutes = (self.context.now.since(queued.since).get() / MINUTE.get()).floor();
        let unit = limit.resource.unit();
        let text =
            format!("{unit} that it has beside its share, waiting for {minutes} min; {whose}");
        let (has, share) = (limit.has(self.index), limit.share(self.index));
        Reason::compared(ReasonCode::WaitsForShare, has, share, text)
    }
}

/// What sums of fractions may be off by.
const ROUNDING: f64 = 1e-9;
/// Topologies that a reason names.
const NAMED: usize = 3;
const MINUTE: Millis = Millis::from_secs(60);

fn rounded(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// The largest number up to `all` that fits, where smaller ones do as well.
fn most(all: u32, fits: impl Fn(&u32) -> bool) -> u32 {
    let (mut good, mut bad) = (0, all);
    while good + 1 < bad {
        let middle = good + (bad - good) / 2;
        if fits(&middle) { good = middle } else { bad = middle }
    }
    good
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

/// Lets go of a plan that would give all topologies together more than they may have.
pub fn within_budget(
    context: &Context<'_>,
    queue: &Queue,
    reasons: Vec<Reason>,
    plan: Option<Plan>,
) -> (Vec<Reason>, Option<Plan>) {
    let meter = Meter::of(context);
    let over = |plan: &Plan| {
        queue.limits().iter().find_map(|limit| over_budget(context, &meter, limit, plan))
    };
    match plan.as_ref().and_then(over) {
        Some(over) => (std::iter::once(over).chain(reasons).collect(), None),
        None => (reasons, plan),
    }
}

/// Why a plan makes too much of one thing, if it does.
fn over_budget(
    context: &Context<'_>,
    meter: &Meter<'_>,
    limit: &Limit,
    plan: &Plan,
) -> Option<Reason> {
    let own = context.observation.topologies.iter().find(|t| t.id == plan.topology)?;
    let mut counts = present(own);
    let before = meter.measure(limit.resource, own, &counts);
    for (ordinal, component) in (0u32..).zip(&own.components) {
        counts.extend(plan.counts.get(&component.id).map(|count| (ordinal, *count)));
    }
    let more = meter.measure(limit.resource, own, &counts) - before;
    let after = limit.used() + more;
    (after > limit.most * (1.0 + ROUNDING) && more > 0.0)
        .then(|| over(limit.resource, after, limit.most))
}

fn over(resource: Resource, would_be: f64, most: f64) -> Reason {
    let text = match resource {
        Resource::Executors => "executors of all topologies that the plan would make",
        Resource::Cores => "cores that all topologies would have with the plan",
        Resource::Memory => "MiB that all topologies would have with the plan",
        Resource::Money => "what all topologies would cost in an hour with the plan",
    };
    Reason::compared(ReasonCode::BudgetLimited, would_be, most, text).changed_by(resource.setting())
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod slots {
    use super::*;
    use crate::model::{Component, ComponentKind, Executor, TaskRange};

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
