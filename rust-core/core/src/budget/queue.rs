//! Who waits for what is limited, and what each may have of it so that nobody waits for ever.
//!
//! Every topology is owed a *share* of each limit `B`: `B · w / Σw`, by the weights of `thalweg.scaling.shares`. What it does
//! not ask for is anybody's. Where one waits that has less than its share, those that have theirs get no more: whatever
//! comes free is left to it. So whoever has less than its share gets it as soon as others need as much less, whatever
//! their priorities.

use super::meter::{Meter, present};
use crate::context::Context;
use crate::model::Topology;
use crate::permission::Charter;
use crate::reason::{Reason, ReasonCode};
use crate::settings::{ActionKind, Resource};
use crate::state::{Queued, State, Want};
use crate::units::Millis;

/// What sums of fractions may be off by, in parts of the limit.
const ROUNDING: f64 = 1e-9;

/// How all topologies stand to what they may have together, at the beginning of a decision.
#[derive(Debug, Default)]
pub struct Queue {
    meter: Meter,
    limits: Vec<Limit>,
}

/// One thing that is limited.
#[derive(Debug)]
pub struct Limit {
    /// What.
    pub resource: Resource,
    /// How much of it there is.
    pub most: f64,
    /// By the index of each topology.
    members: Vec<Member>,
}

/// One topology before a limit.
#[derive(Debug, Clone)]
struct Member {
    name: String,
    has: f64,
    share: f64,
    /// What is kept for it: it waits, and has so much less than its share or than what it wants.
    owed: f64,
}

impl Queue {
    /// The queue of an observation; without a limit nobody is counted, as there may be thousands of topologies.
    pub fn of(context: &Context<'_>, state: &State) -> Self {
        if context.settings.limits().next().is_none() {
            return Self::default();
        }
        let meter = Meter::of(context);
        let limit = |limit| Limit::of(context, state, &meter, limit);
        let limits = context.settings.limits().map(limit).collect();
        Self { meter, limits }
    }

    /// What executors count as.
    pub fn meter(&self) -> &Meter {
        &self.meter
    }

    /// What is limited.
    pub fn limits(&self) -> &[Limit] {
        &self.limits
    }
}

impl Limit {
    fn of(
        context: &Context<'_>,
        state: &State,
        meter: &Meter,
        (resource, most): (Resource, f64),
    ) -> Self {
        let topologies = &context.observation.topologies;
        let weight = |name: &str| context.settings.budget.weight(name);
        let weights: f64 = topologies.iter().map(|topology| weight(&topology.name)).sum();
        let member = |topology: &Topology| {
            let has = meter.measure(resource, topology, &present(topology));
            let share = most * weight(&topology.name) / weights.max(f64::MIN_POSITIVE);
            // Nothing is kept for whom nothing may be changed now: it would lie idle.
            let may_grow = || {
                let charter = Charter::of(context, topology);
                let mode = charter.mode(Some(ActionKind::ScaleOut)).mode;
                mode.changes() && charter.hindered(ActionKind::ScaleOut).is_none()
            };
            let queued = state.topologies.get(&topology.id).and_then(|t| t.queued.as_ref());
            let queued = queued.filter(|queued| is_fresh(queued, context) && may_grow());
            let want = queued.and_then(|queued| queued.wants.get(&resource));
            let owed = want.map_or(0.0, |want| owed(*want, has, share));
            Member { name: topology.name.clone(), has, share, owed }
        };
        Self { resource, most, members: topologies.iter().map(member).collect() }
    }

    /// Why all topologies may not have so much, if that is more than there is.
    pub fn exceeded_by(&self, would_be: f64) -> Option<Reason> {
        let text = match self.resource {
            Resource::Executors => "executors of all topologies that the plan would make",
            Resource::Cores => "cores that all topologies would have with the plan",
            Resource::Memory => "MiB that all topologies would have with the plan",
            Resource::Money => "what all topologies would cost in an hour with the plan",
        };
        let reason = || Reason::compared(ReasonCode::BudgetLimited, would_be, self.most, text);
        (!self.reaches(would_be, self.most)).then(|| reason().changed_by(self.resource.setting()))
    }

    /// Whether a topology may have so much in all. What it has it may keep.
    pub fn grants(&self, index: usize, would_have: f64) -> bool {
        self.reaches(would_have, self.most_of(index)) || would_have <= self.has(index)
    }

    fn reaches(&self, amount: f64, most: f64) -> bool {
        amount <= most + ROUNDING * self.most
    }

    /// What all topologies have.
    pub fn used(&self) -> f64 {
        self.members.iter().map(|member| member.has).sum()
    }

    /// The most that one topology may have: all that is left by the others, and beyond its share nothing that is kept for
    /// them.
    pub fn most_of(&self, index: usize) -> f64 {
        let (left, kept) = (self.left_for(index), self.kept_from(index));
        let share = self.members.get(index).map_or(0.0, |member| member.share);
        left.min(share).max(left - kept)
    }

    /// What the others leave of it.
    pub fn left_for(&self, index: usize) -> f64 {
        self.most - self.used() + self.has(index)
    }

    /// What a topology has.
    pub fn has(&self, index: usize) -> f64 {
        self.members.get(index).map_or(0.0, |member| member.has)
    }

    /// What a topology is owed.
    pub fn share(&self, index: usize) -> f64 {
        self.members.get(index).map_or(0.0, |member| member.share)
    }

    /// For whom something is kept of what a topology might take beyond its share.
    pub fn waiting_before(&self, index: usize) -> Vec<&str> {
        self.others(index).filter(|other| other.owed > 0.0).map(|other| &*other.name).collect()
    }

    /// Which others have more than their share, and by how much, the most first.
    pub fn over_their_shares(&self, index: usize) -> Vec<(&str, f64)> {
        let over = |other: &'_ Member| other.has - other.share;
        let mut all: Vec<_> = self
            .others(index)
            .filter(|other| over(other) > 0.0)
            .map(|other| (&*other.name, over(other)))
            .collect();
        all.sort_by(|(_, a), (_, b)| b.total_cmp(a));
        all
    }

    fn kept_from(&self, index: usize) -> f64 {
        self.others(index).map(|other| other.owed).sum()
    }

    fn others(&self, index: usize) -> impl Iterator<Item = &Member> {
        self.members.iter().enumerate().filter(move |(of, _)| *of != index).map(|(_, other)| other)
    }
}

/// What is kept for one that waits: what it has less than its share, and than what it wants, in whole steps. A part of a step
/// would lie idle.
fn owed(want: Want, has: f64, share: f64) -> f64 {
    let less = (want.all.min(share) - has).max(0.0);
    if want.step > 0.0 { (less / want.step + ROUNDING).floor() * want.step } else { less }
}

/// Whether a topology still waits: it wanted that not long ago.
fn is_fresh(waiting: &Queued, context: &Context<'_>) -> bool {
    let settings = context.settings;
    let long = settings.settle.get() + 2.0 * settings.window.get();
    context.now.since(waiting.asked) <= Millis::saturating(long)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A limit of twelve for topologies that have so much, are owed four each, and for whom so much is kept.
    fn limit(members: &[(f64, f64)]) -> Limit {
        let share = 12.0 / members.len() as f64;
        let member = |(index, &(has, owed)): (usize, &(f64, f64))| Member {
            name: format!("t{index}"),
            has,
            share,
            owed,
        };
        let members = members.iter().enumerate().map(member).collect();
        Limit { resource: Resource::Executors, most: 12.0, members }
    }

    #[test]
    fn what_nobody_asks_for_is_anybodys() {
        let limit = limit(&[(6.0, 0.0), (1.0, 0.0), (1.0, 0.0)]);
        assert_eq!([0, 1].map(|index| limit.most_of(index)), [10.0, 5.0]);
    }

    #[test]
    fn what_is_kept_is_kept_in_whole_steps() {
        let owed = |all, step, has| owed(Want { all, step }, has, 3.5);
        assert_eq!(
            [owed(9.0, 1.0, 3.0), owed(9.0, 1.0, 1.0), owed(2.0, 1.0, 1.0)],
            [0.0, 2.0, 1.0]
        );
        assert_eq!([owed(9.0, 2.0, 1.0), owed(9.0, 0.5, 3.0)], [2.0, 0.5]);
    }

    #[test]
    fn beyond_its_share_nobody_takes_what_is_kept_for_another() {
        // Two are free, and one waits for three more.
        let limit = limit(&[(6.0, 0.0), (3.0, 0.0), (1.0, 3.0)]);
        assert_eq!(limit.most_of(0), 5.0, "the one that has more than its share gets nothing");
        assert_eq!(limit.most_of(1), 4.0, "up to its share it may have what is left");
        assert_eq!(limit.most_of(2), 3.0, "who waits gets what there is");
        assert_eq!(limit.waiting_before(0), ["t2"]);
        assert_eq!(limit.over_their_shares(2), [("t0", 2.0)]);
    }
}
