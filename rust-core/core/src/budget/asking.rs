//! A topology that asks for more: what it gets, and for what it waits.

use std::collections::BTreeMap;

use super::meter::{Meter, present};
use super::proportion::Proportion;
use super::queue::{Limit, Queue};
use crate::context::Context;
use crate::model::Topology;
use crate::reason::{Reason, ReasonCode};
use crate::state::{Queued, Want};
use crate::units::Millis;

/// Topologies that a reason names.
const NAMED: usize = 3;
const MINUTE: Millis = Millis::from_secs(60);

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
        // Without a limit, nobody's executors need be counted.
        let limited = !self.queue.limits().is_empty();
        let topology = self.context.observation.topologies.get(self.index).filter(|_| limited);
        let Some(topology) = topology else {
            return Granted { counts: desired, limited: Vec::new(), queued: None };
        };
        let growth = Growth::of((self.index, topology), &desired, self.queue.meter());
        let fits = |limit: &Limit, counts: &BTreeMap<u32, u32>| {
            limit.grants(self.index, growth.measure(limit, counts))
        };
        let limits = self.queue.limits().iter();
        let short: Vec<&Limit> = limits.filter(|limit| !fits(limit, &desired)).collect();
        if short.is_empty() {
            return Granted { counts: desired, limited: Vec::new(), queued: None };
        }
        let fit = |grown| short.iter().all(|limit| fits(limit, &growth.part(grown)));
        let counts = growth.part(largest(growth.executors(), fit));
        let now = self.context.now;
        let wants = short.iter().map(|limit| (limit.resource, growth.want(limit)));
        let queued = Queued {
            since: self.waited.map_or(now, |waited| waited.since),
            asked: now,
            wants: wants.collect(),
        };
        let limited = short.iter().flat_map(|limit| self.reasons(limit, &queued)).collect();
        let changed =
            counts.into_iter().filter(|(ordinal, count)| *count != growth.before(*ordinal));
        Granted { counts: changed.collect(), limited, queued: Some(queued) }
    }

    /// Why a topology does not get all that it wants of one thing, and what would clear its way.
    fn reasons(&self, limit: &Limit, queued: &Queued) -> Vec<Reason> {
        let wants = queued.wants.get(&limit.resource).map_or(0.0, |want| want.all);
        let would_be = limit.used() - limit.has(self.index) + wants;
        let all = limit.exceeded_by(would_be);
        let own = match limit.waiting_before(self.index).as_slice() {
            [] => self.waits(limit, queued),
            before => {
                let text = format!(
                    "{}, beyond its share with what it wants; what is left is kept for {}",
                    limit.resource.of_one(),
                    before.join(", ")
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
        let what = limit.resource.of_one();
        let text = format!("{what}, against its share; it has waited for {minutes} min; {whose}");
        let (has, share) = (limit.has(self.index), limit.share(self.index));
        Reason::compared(ReasonCode::WaitsForShare, has, share, text)
    }
}

/// A topology that is to have other counts.
struct Growth<'a> {
    topology: &'a Topology,
    meter: &'a Meter,
    desired: &'a BTreeMap<u32, u32>,
    has: BTreeMap<u32, u32>,
    index: usize,
}

impl<'a> Growth<'a> {
    fn of(
        (index, topology): (usize, &'a Topology),
        desired: &'a BTreeMap<u32, u32>,
        meter: &'a Meter,
    ) -> Self {
        Self { topology, meter, desired, has: present(topology), index }
    }

    /// The executors that a component has.
    fn before(&self, ordinal: u32) -> u32 {
        self.has.get(&ordinal).copied().unwrap_or(0)
    }

    fn more(&self, ordinal: u32, count: u32) -> u32 {
        count.saturating_sub(self.before(ordinal))
    }

    /// The executors that components want more, all together.
    fn executors(&self) -> u32 {
        self.desired.iter().map(|(ordinal, count)| self.more(*ordinal, *count)).sum()
    }

    /// The counts with so many more executors of all that are wanted.
    fn part(&self, grown: u32) -> BTreeMap<u32, u32> {
        let mut proportion = Proportion::of(grown, self.executors());
        let part = |(&ordinal, &count): (&u32, &u32)| match self.more(ordinal, count) {
            0 => (ordinal, count),
            more => (ordinal, self.before(ordinal) + proportion.of_next(more)),
        };
        self.desired.iter().map(part).collect()
    }

    /// What is wanted of what is limited, and the least by which that grows.
    fn want(&self, limit: &Limit) -> Want {
        let has = limit.has(self.index);
        let more = |grown| self.measure(limit, &self.part(grown)) - has;
        let step = (1..=self.executors()).map(more).find(|more| *more > 0.0);
        Want { all: self.measure(limit, self.desired), step: step.unwrap_or(0.0) }
    }

    /// What the topology would have of what is limited.
    fn measure(&self, limit: &Limit, counts: &BTreeMap<u32, u32>) -> f64 {
        let mut all = self.has.clone();
        all.extend(counts);
        self.meter.measure(limit.resource, self.topology, &all)
    }
}

/// The largest number below `all` that fits, where smaller ones do as well.
fn largest(all: u32, fits: impl Fn(u32) -> bool) -> u32 {
    let (mut good, mut bad) = (0, all);
    while good + 1 < bad {
        let middle = good + (bad - good) / 2;
        if fits(middle) { good = middle } else { bad = middle }
    }
    good
}

fn rounded(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}
