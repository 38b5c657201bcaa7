//! Memory for components that keep state: where misses make records dear, memory may be cheaper than
//! executors.
//!
//! Where the miss-rate curve and the price of a miss are known, every level of memory is weighed with
//! the executors that it leaves to be needed, in one cost: executors, and memory in executors' worth. Where
//! they are not known, memory goes up by Justin's levels (DAIS 2025, arXiv 2505.19739), each twice the
//! one before it, one at a time, and what a level brought is then part of the curve.

use std::collections::BTreeMap;

use super::memory::TopologyModel;
use crate::capacity::misses::{Measured, MissCurve, StateModel};
use crate::demand::ComponentFlow;
use crate::policy::situation::Situation;
use crate::reason::{Reason, ReasonCode};

const MOST: &str = "thalweg.memory.max.mib";
/// Above this share of hits memory is not tried: Justin's threshold as its README and experiments have
/// it (its source has 0.7).
const ENOUGH_HITS: f64 = 0.8;
/// A component that is asked for more than so many times what it can do gets executors together with a
/// level of memory; with less, the level alone may be enough.
const BY_A_LEVEL: f64 = 2.0;
/// Memory is preferred to executors where it is cheaper by a twentieth at least.
const CLEARLY_CHEAPER: f64 = 0.95;
/// Work per record may be so much more with less memory.
const NO_DEARER: f64 = 1.02;
/// However little is missed, a record needs this part of its work.
const LEAST_WORK: f64 = 0.05;
/// Rounds after which executors and the misses that they leave need not agree any better.
const ROUNDS: usize = 16;

/// What is to be done about the memory of a component that is short.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// New memory of each executor in MiB; nothing where only the reason is to be told.
    pub mib: Option<u32>,
    /// Executors that it needs with that memory.
    pub executors: u32,
    /// Why.
    pub reason: Reason,
}

/// Memory that a component does not need.
#[derive(Debug, Clone, PartialEq)]
pub struct Spare {
    /// Memory of each executor that is enough, in MiB.
    pub mib: u32,
    /// What is saved, in executors' worth.
    pub saved: f64,
    /// Why.
    pub reason: Reason,
}

/// What a component shows of its state; nothing where it keeps none, or its memory is not known.
pub fn measured(component: &ComponentFlow) -> Option<Measured> {
    Some(Measured {
        executors: component.executors,
        mib: component.memory_mib.map(|mib| mib.round() as u32).filter(|mib| *mib > 0)?,
        state_mib: component.state_mib,
        misses: 1.0 - component.hit_rate?,
        work_secs: component.work_secs()?,
    })
}

/// What is known about the state of one component.
pub struct Holding<'a> {
    situation: &'a Situation<'a>,
    index: usize,
    now: Measured,
    learned: &'a StateModel,
    /// The curve, and seconds for which a miss is worked on.
    known: Option<(MissCurve, f64)>,
}

impl<'a> Holding<'a> {
    /// What is known, where memory may be changed and the component keeps state.
    pub fn of(
        situation: &'a Situation<'a>,
        index: usize,
        model: &'a TopologyModel,
    ) -> Option<Self> {
        if situation.settings.thalweg.memory_max_mib == 0 {
            return None;
        }
        let now = measured(&situation.flow.components[index])?;
        let learned = model.states.get(situation.id(index))?;
        let known = learned.curve(now.state_mib, situation.now).zip(learned.miss_secs());
        Some(Self { situation, index, now, learned, known })
    }

    /// What is to be done where it is asked for `used` times what it can do and would need `executors`
    /// with the memory that it has; `need` says how many it needs if its records need this part of their
    /// present work.
    pub fn step(&self, used: f64, executors: u32, need: impl Fn(f64) -> u32) -> Option<Step> {
        if self.known.is_some() {
            self.cheapest(executors, need)
        } else {
            self.try_level(used, executors)
        }
    }

    /// The cheapest level, where the curve is known and that is clearly cheaper than executors alone.
    fn cheapest(&self, executors: u32, need: impl Fn(f64) -> u32) -> Option<Step> {
        let own = &self.situation.settings.thalweg;
        let most = self.situation.flow.components[self.index].most();
        let present = self.situation.flow.components[self.index].executors;
        // Executors that its tasks do not allow are worth nothing; then memory has no price.
        let rank = |mib: u32, executors: u32| {
            (executors.saturating_sub(most), self.cost(executors.min(most), mib))
        };
        let levels = self.learned.levels(own.memory_max_mib).filter(|mib| *mib > self.now.mib);
        let plans = levels.filter_map(|mib| Some((mib, self.enough(present, mib, &need)?)));
        let ranked = plans.map(|(mib, count)| (rank(mib, count), mib, count));
        let ((lacking, cost), mib, count) =
            ranked.min_by(|(a, ..), (b, ..)| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)))?;
        let (lacking_without, cost_without) = rank(self.now.mib, executors);
        let worth = lacking < lacking_without
            || lacking == lacking_without && cost < CLEARLY_CHEAPER * cost_without;
        worth.then(|| {
            let text = format!(
                "cost of {} in executors with {mib} instead of {} MiB for each of {count}, and of \
                 {executors} without more memory, which answers {:.0} % of the accesses to its state",
                self.id(),
                self.now.mib,
                100.0 * self.hits(),
            );
            let reason = Reason::compared(ReasonCode::StateMisses, cost, cost_without, text);
            Step { mib: Some(mib), executors: count, reason }
        })
    }

    /// Executors that are enough with so much memory each; never fewer than there are.
    fn enough(&self, present: u32, mib: u32, need: &impl Fn(f64) -> u32) -> Option<u32> {
        let mut executors = present;
        for _ in 0..ROUNDS {
            let needed = need(self.work_with(executors, mib)?);
            if needed <= executors {
                break;
            }
            executors = needed;
        }
        Some(executors)
    }

    /// Work of a record with so many executors of so much memory, over what it were with the memory that
    /// they have now; of what the curve says only that counts which is certain.
    fn work_with(&self, executors: u32, mib: u32) -> Option<f64> {
        let (curve, miss_secs) = self.known.as_ref()?;
        let total = |mib: u32| f64::from(executors) * f64::from(mib);
        let (now, then) = (curve.at(total(self.now.mib)), curve.at(total(mib)));
        let doubt =
            self.situation.settings.thalweg.confidence * (now.1.powi(2) + then.1.powi(2)).sqrt();
        let misses = then.0 - now.0 + doubt;
        let misses = if mib > self.now.mib { misses.min(0.0) } else { misses.max(0.0) };
        let with_these = self.now.work_secs + miss_secs * (now.0 - self.now.misses);
        let with_these = with_these.max(LEAST_WORK * self.now.work_secs);
        Some((1.0 + miss_secs * misses / with_these).max(LEAST_WORK))
    }

    /// The next level, where nothing is known and misses are many.
    fn try_level(&self, used: f64, executors: u32) -> Option<Step> {
        let own = &self.situation.settings.thalweg;
        let held = f64::from(self.now.mib) * f64::from(self.now.executors);
        // Where all state has room already, what is missed is missed for another cause.
        let has_room = self.now.state_mib.is_some_and(|state| held >= state);
        if self.hits() >= ENOUGH_HITS || has_room || self.learned.in_vain().is_some() {
            return None;
        }
        let next = self.learned.levels(u32::MAX).find(|mib| *mib > self.now.mib)?;
        if next > own.memory_max_mib {
            let text = format!(
                "MiB that an executor of {} would get next, as memory answers {:.0} % of the accesses \
                 to its state, and the most it may have",
                self.id(),
                100.0 * self.hits(),
            );
            let (next, most) = (f64::from(next), f64::from(own.memory_max_mib));
            let reason = Reason::compared(ReasonCode::MemoryLimited, next, most, text);
            return Some(Step { mib: None, executors, reason });
        }
        let alone = used <= BY_A_LEVEL;
        let executors = if alone { self.now.executors } else { executors };
        let text = format!(
            "share of accesses to the state of {} that memory answers; {next} instead of {} MiB for each \
             of {executors} executors show what memory brings",
            self.id(),
            self.now.mib,
        );
        let reason = Reason::compared(ReasonCode::StateMisses, self.hits(), ENOUGH_HITS, text);
        Some(Step { mib: Some(next), executors, reason: reason.changed_by(MOST) })
    }

    /// Memory that brings nothing to so many executors.
    pub fn spare(&self, executors: u32) -> Option<Spare> {
        let most = self.situation.settings.thalweg.memory_max_mib;
        let enough = |mib: &u32| match self.work_with(executors, *mib) {
            Some(work) => work <= NO_DEARER,
            None => self.learned.in_vain().is_some_and(|least| least <= *mib),
        };
        let mut less = self.learned.levels(most).filter(|mib| *mib < self.now.mib);
        let mib = less.find(enough)?;
        let saved = self.cost(executors, self.now.mib) - self.cost(executors, mib);
        let text = format!(
            "memory of {} in executors' worth that answers no more accesses to its state than {mib} \
             instead of {} MiB for each of {executors}: {:.0} % now",
            self.id(),
            self.now.mib,
            100.0 * self.hits(),
        );
        let reason = Reason::compared(ReasonCode::MemorySpare, saved, 0.0, text);
        Some(Spare { mib, saved, reason })
    }

    /// What executors and their memory cost, an executor without memory being one.
    fn cost(&self, executors: u32, mib: u32) -> f64 {
        let per_executor = self.situation.settings.thalweg.memory_per_executor_mib.max(1.0);
        f64::from(executors) * (1.0 + f64::from(mib) / per_executor)
    }

    fn hits(&self) -> f64 {
        1.0 - self.now.misses
    }

    fn id(&self) -> &str {
        self.situation.id(self.index)
    }
}

/// Memory that brings nothing, by component, with the executors that each is to have.
pub fn spares(
    situation: &Situation<'_>,
    model: &TopologyModel,
    executors: impl Fn(usize) -> u32,
) -> BTreeMap<usize, Spare> {
    let of =
        |(index, _)| Some((index, Holding::of(situation, index, model)?.spare(executors(index))?));
    situation.flow.users().filter_map(of).collect()
}

#[cfg(test)]
mod tests;
