//! The policy `flink-autoscaler`: the formulas of Flink's own autoscaler.
//!
//! Source: FLIP-271 and the autoscaler module of flink-kubernetes-operator, with its default
//! settings. The true processing rate is the input over the *busiest* executor's share of time; of
//! a source under back-pressure it is observed instead. The target capacity covers the input at the
//! target utilisation, catching up with the lag, and what a restart leaves behind. Nothing happens
//! while every component lies within the utilisation band; while a backlog is processed, the band
//! has no lower end. Scale-down waits for an hour. Executors are aligned to a divisor of the key
//! groups or partitions.

use std::collections::{BTreeMap, VecDeque};

use super::desired::{DesiredCounts, intent, unknown_rates};
use super::situation::{Intent, Situation};
use crate::demand::{ComponentFlow, Demand, Target, whole_executors};
use crate::reason::{Reason, ReasonCode};
use crate::settings::AutoscalerSettings;
use crate::units::Timestamp;

const TARGET: &str = "thalweg.flink-autoscaler.target.utilization";
const WINDOW: &str = "thalweg.metrics.window.secs";
const DOWN_DELAY: &str = "thalweg.flink-autoscaler.scale.down.interval.secs";
/// Busy-based and observed rates may differ by this much before the observed one counts.
const OBSERVED_ABOVE: f64 = 1.15;
/// A source has to lag by this many seconds before its rate is observed under back-pressure.
const OBSERVED_LAG_SECS: f64 = 30.0;
/// A window that is this full is full: reports come at their own times.
const FULL: f64 = 0.9;

/// What was desired and seen before.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Memory {
    /// When a scale-down was first asked for, and the largest executor count desired since.
    down: BTreeMap<usize, (Timestamp, u32)>,
    /// Executors and true rates seen, for the observed scalability.
    seen: BTreeMap<usize, VecDeque<(u32, f64)>>,
    /// The last scale-up: rate before, and rate expected.
    expected: BTreeMap<usize, (f64, f64)>,
}

/// The rates that decide about one component.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rates {
    /// Its executors.
    pub executors: u32,
    /// Records per second that they could take in.
    pub true_rate: f64,
    /// Records per second that it has to take in.
    pub target: Demand,
    /// Records per second on top, to catch up with the lag.
    pub catch_up: Demand,
}

/// Target capacity at a utilisation, with what a restart leaves behind or without.
pub fn target_capacity(
    rates: &Rates,
    utilization: f64,
    with_restart: bool,
    own: &AutoscalerSettings,
) -> Demand {
    let restart = match with_restart && own.catch_up.get() > 0.0 {
        true => own.restart.get() / own.catch_up.get(),
        false => 0.0,
    };
    // A utilisation of 0 asks for endless capacity: nothing is too much.
    rates.catch_up + rates.target.times(restart + 1.0 / utilization.max(1e-9))
}

/// The new number of executors, before alignment; as many as there are where no number is enough.
pub fn scaled(rates: &Rates, scalability: f64, own: &AutoscalerSettings) -> u32 {
    let capacity = target_capacity(rates, own.target.get(), true, own);
    let executors = f64::from(rates.executors);
    let each = rates.true_rate / executors * scalability;
    let factor = capacity.executors(each).unwrap_or(executors) / executors;
    let factor = factor.clamp(1.0 - own.max_down.get(), 1.0 + own.max_up);
    whole_executors(factor * executors).min(own.most.max(1))
}

/// Aligns a desired count to the key groups or partitions that are dealt out: upwards to a divisor where one
/// is near enough, else downwards to the fewest executors of which none gets more.
pub fn aligned(count: u32, units: u32) -> u32 {
    if count >= units {
        return units.max(1);
    }
    if let Some(divisor) = (count..=units / 2).find(|p| units.is_multiple_of(*p)) {
        return divisor;
    }
    match (1..=count).rev().find(|p| units / p > units / count) {
        Some(p) if !units.is_multiple_of(p) => p + 1,
        Some(p) => p,
        None => count,
    }
}

/// How well executors have paid off so far: the least-squares factor of linear scaling, from 0.5 to
/// 1. Nothing below three observations.
pub fn observed_scalability(seen: &VecDeque<(u32, f64)>) -> f64 {
    let Some(&(base, rate)) = seen.iter().min_by_key(|(executors, _)| *executors) else {
        return 1.0;
    };
    let beta = rate / f64::from(base.max(1));
    let both: f64 = seen.iter().map(|(p, rate)| f64::from(*p) * rate).sum();
    let squares: f64 = seen.iter().map(|(p, _)| f64::from(*p).powi(2)).sum();
    let enough = seen.len() >= 3 && beta > 0.0;
    if enough { (both / (beta * squares)).clamp(0.5, 1.0) } else { 1.0 }
}

/// What should change.
pub fn find(situation: &Situation<'_>, memory: &mut Memory) -> Intent {
    let own = &situation.settings.autoscaler;
    let span = situation.span.get();
    let window = situation.settings.window.get();
    if span < FULL * window {
        let text = "seconds of measurements, of a window that must be full";
        let (is, limit) = (span / 1000.0, window / 1000.0);
        let reason = Reason::compared(ReasonCode::WindowIncomplete, is, limit, text);
        return Intent::Stay(vec![reason.changed_by(WINDOW)]);
    }
    let rates = rates(situation);
    if rates.is_empty() {
        return Intent::Stay(vec![unknown_rates()]);
    }
    let backlogged = is_backlogged(situation);
    let (low, high) = match backlogged {
        true => (0.0, 1.0),
        false => (
            own.target.get() - own.boundary.get(),
            (own.target.get() + own.boundary.get()).min(1.0),
        ),
    };
    let within = |rates: &Rates| {
        let asked = |used, restart| target_capacity(rates, used, restart, own).of(rates.executors);
        rates.true_rate >= asked(high, false) && rates.true_rate <= asked(low, true)
    };
    note(situation, memory, &rates);
    if let Some((index, used)) = fullest(&rates).filter(|_| rates.values().all(within)) {
        memory.down.clear();
        let text =
            format!("{} is used most; all lie between {low:.2} and {high:.2}", situation.id(index));
        let reason = Reason::compared(ReasonCode::DemandMet, used, own.target.get(), text);
        return Intent::Stay(vec![reason.changed_by(TARGET)]);
    }
    let mut desired = DesiredCounts::new();
    let mut delayed = None;
    for (&index, rates) in &rates {
        let component = &situation.flow.components[index];
        let seen = memory.seen.get(&index).filter(|_| own.observed_scalability);
        let scalability = seen.map_or(1.0, observed_scalability);
        let count = align(component, scaled(rates, scalability, own));
        match count.cmp(&component.executors) {
            std::cmp::Ordering::Less => match memory.held_down(index, count, situation.now, own) {
                Ok(count) => _ = desired.insert(index, count),
                Err(since) => delayed = Some((index, since)),
            },
            std::cmp::Ordering::Equal => _ = memory.down.remove(&index),
            std::cmp::Ordering::Greater if memory.in_vain(index, rates, own) => {}
            std::cmp::Ordering::Greater => {
                memory.down.remove(&index);
                let expected = rates.true_rate * f64::from(count) / f64::from(component.executors);
                memory.expected.insert(index, (rates.true_rate, expected));
                desired.insert(index, count);
            }
        }
    }
    // A scale-down that would restart the job alone waits; along with a scale-up it costs nothing.
    let reason = match (fullest(&rates), delayed) {
        (_, Some((index, since))) if desired.is_empty() => {
            let text =
                format!("seconds for which {} could have had fewer executors", situation.id(index));
            let (is, limit) =
                (situation.now.since(since).get() / 1000.0, own.down_delay.get() / 1000.0);
            Reason::compared(ReasonCode::NotYetPersistent, is, limit, text).changed_by(DOWN_DELAY)
        }
        (Some((index, used)), _) => {
            let code = match used > own.target.get() {
                true => ReasonCode::DemandAboveCapacity,
                false => ReasonCode::DemandBelowCapacity,
            };
            let text = format!("{} is used most, beyond the band", situation.id(index));
            Reason::compared(code, used, own.target.get(), text).changed_by(TARGET)
        }
        (None, _) => unknown_rates(),
    };
    intent(situation, &desired, vec![reason])
}

impl Memory {
    /// The scale-down to make, or since when it has been waiting.
    fn held_down(
        &mut self,
        index: usize,
        count: u32,
        now: Timestamp,
        own: &AutoscalerSettings,
    ) -> Result<u32, Timestamp> {
        let (since, most) = self.down.entry(index).or_insert((now, count));
        *most = count.max(*most);
        if now.since(*since) < own.down_delay {
            return Err(*since);
        }
        let count = *most;
        self.down.remove(&index);
        Ok(count)
    }

    /// Whether the last scale-up brought less than the expected share of its gain.
    fn in_vain(&self, index: usize, rates: &Rates, own: &AutoscalerSettings) -> bool {
        own.detect_ineffective
            && self.expected.get(&index).is_some_and(|(before, expected)| {
                rates.true_rate - before < own.effectiveness.get() * (expected - before)
            })
    }
}

fn align(component: &ComponentFlow, count: u32) -> u32 {
    match (component.partitions, component.source, component.keyed) {
        (Some(partitions), true, _) => aligned(count, partitions),
        (_, false, true) => aligned(count, component.tasks),
        _ => count,
    }
}

fn is_backlogged(situation: &Situation<'_>) -> bool {
    let limit = situation.settings.autoscaler.backlog_lag.get() / 1000.0;
    situation.flow.components.iter().any(|c| c.source && c.target.behind_secs() > limit)
}

fn rates(situation: &Situation<'_>) -> BTreeMap<usize, Rates> {
    let own = &situation.settings.autoscaler;
    let flow = situation.flow;
    let target = situation.demand(Target::arrival);
    let all = situation.demand(|source| source.arrival() + source.catch_up(own.catch_up));
    flow.users()
        .filter_map(|(index, component)| {
            let rates = Rates {
                executors: component.executors,
                true_rate: true_rate(component)?,
                target: target[index]?,
                catch_up: all[index]?.beyond(target[index]?),
            };
            Some((index, rates))
        })
        .collect()
}

/// The rate of the whole component if its busiest executor were busy all the time.
pub(super) fn true_rate(component: &ComponentFlow) -> Option<f64> {
    let input = component.input()?;
    let busy = component.busiest().filter(|busy| *busy > 0.0).map(|busy| input / busy);
    let pressure = component.backpressured.filter(|share| component.source && *share < 1.0);
    let observed = pressure.map(|share| input / (1.0 - share));
    match (busy, observed) {
        (Some(busy), Some(observed))
            if busy > OBSERVED_ABOVE * observed
                && component.target.behind_secs() > OBSERVED_LAG_SECS =>
        {
            Some(observed)
        }
        (busy, _) => busy,
    }
}

fn fullest(rates: &BTreeMap<usize, Rates>) -> Option<(usize, f64)> {
    let asked = |rates: &Rates| (rates.target + rates.catch_up).of(rates.executors);
    let used = rates.iter().map(|(index, r)| (*index, asked(r) / r.true_rate.max(1e-9)));
    used.max_by(|a, b| a.1.total_cmp(&b.1))
}

fn note(situation: &Situation<'_>, memory: &mut Memory, rates: &BTreeMap<usize, Rates>) {
    for (&index, rates) in rates {
        let executors = situation.flow.components[index].executors;
        let seen = memory.seen.entry(index).or_default();
        seen.retain(|(known, _)| *known != executors);
        seen.push_back((executors, rates.true_rate));
        if seen.len() > 15 {
            seen.pop_front();
        }
    }
}

#[cfg(test)]
mod tests;
