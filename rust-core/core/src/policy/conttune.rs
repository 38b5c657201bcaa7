//! The policy `conttune`: double everything out of back-pressure, then tune each operator.
//!
//! Source: Lian et al., "ContTune: continuous tuning by conservative Bayesian optimization for
//! distributed stream data processing systems", PVLDB 2023. While sources cannot keep up, the
//! parallelism of all operators doubles (the big phase). After that each operator has its own
//! Gaussian process over processing ability by parallelism and takes the smallest parallelism whose
//! mean meets the demand (the small phase), unless that lies further than α = 3 from every observed
//! one: then DS2's proposal is taken, which feeds the process as well.

use std::collections::{BTreeMap, VecDeque};

use super::desired::{DesiredCounts, direction, intent, main_reason, unknown_rates};
use super::ds2;
use super::gaussian::Process;
use super::situation::{Intent, Situation};
use crate::demand::{Demand, Target};
use crate::reason::{Reason, ReasonCode};

/// The process passes this close by its points.
const ROUNDING: f64 = 0.002;
const ALPHA: &str = "thalweg.conttune.alpha";
const PRESSURE: &str = "thalweg.conttune.pressure";

/// Processing abilities seen, by component and parallelism.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Memory {
    seen: BTreeMap<usize, BTreeMap<u32, VecDeque<f64>>>,
}

impl Memory {
    fn note(&mut self, index: usize, executors: u32, ability: f64, kept: usize) {
        let values = self.seen.entry(index).or_default().entry(executors).or_default();
        values.push_back(ability);
        while values.len() > kept.max(1) {
            values.pop_front();
        }
    }

    fn points(&self, index: usize) -> Vec<(f64, f64)> {
        let seen = self.seen.get(&index).into_iter().flatten();
        seen.map(|(executors, values)| {
            (f64::from(*executors), values.iter().sum::<f64>() / values.len().max(1) as f64)
        })
        .collect()
    }
}

/// The small phase for one operator: the smallest parallelism whose mean ability meets the demand.
///
/// Nothing where no parallelism up to `most` does, or it lies further than `alpha` from every
/// observed one.
pub fn conservative(points: &[(f64, f64)], demand: Demand, most: u32, alpha: u32) -> Option<u32> {
    let process = Process::fit(points)?;
    let enough = |p: &u32| process.mean(f64::from(*p)) >= demand.of(*p) * (1.0 - ROUNDING);
    let least = (1..=most).find(enough)?;
    let distance = points.iter().map(|(p, _)| (p - f64::from(least)).abs()).reduce(f64::min)?;
    (distance <= f64::from(alpha)).then_some(least)
}

/// What should change.
pub fn find(situation: &Situation<'_>, memory: &mut Memory) -> Intent {
    let own = &situation.settings.conttune;
    let flow = situation.flow;
    for (index, component) in flow.users() {
        if let (Some(rate), false) = (component.true_rate(), component.source) {
            memory.note(
                index,
                component.executors,
                rate * f64::from(component.executors),
                own.kept,
            );
        }
    }
    let pressure = pressure(situation);
    let demand = situation.demand(Target::arrival);
    let limit = situation.limit(&demand);
    if let (true, None) = (pressure >= own.pressure.get(), limit) {
        let operators = flow.users().filter(|(_, c)| !c.source);
        let desired: DesiredCounts = operators.map(|(index, c)| (index, 2 * c.executors)).collect();
        let text = "share of the input that cannot be taken: all operators double";
        let reason = Reason::compared(ReasonCode::Backpressure, pressure, own.pressure.get(), text);
        return intent(situation, &desired, vec![reason.changed_by(PRESSURE)]);
    }
    let proposed = ds2::propose(flow, &demand, 0.0);
    if proposed.is_empty() {
        return Intent::Stay(vec![unknown_rates()]);
    }
    let mut desired = DesiredCounts::new();
    for (&index, &fallback) in proposed.iter().filter(|(index, _)| !flow.components[**index].source)
    {
        let most = flow.components[index].most();
        let asked = demand[index].unwrap_or_default();
        let trusted = conservative(&memory.points(index), asked, most, own.alpha);
        desired.insert(index, trusted.unwrap_or(fallback));
    }
    let reason = match direction(situation, &desired) {
        0 => Reason::plain(
            ReasonCode::DemandMet,
            "every operator has the fewest executors that meet its demand",
        ),
        _ => main_reason(situation, &desired, &demand),
    };
    intent(situation, &desired, vec![reason.changed_by(ALPHA)])
}

/// Share of time that sources wait, or of arrivals that they leave waiting.
fn pressure(situation: &Situation<'_>) -> f64 {
    let of = |c: &crate::demand::ComponentFlow| {
        let growth = c.target.growth.unwrap_or(0.0).max(0.0);
        let left = growth / c.target.arrival().max(1e-9);
        left.max(c.backpressured.unwrap_or(0.0))
    };
    situation.flow.components.iter().filter(|c| c.source).map(of).fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::testing::Case;

    /// The authors' published abilities of Nexmark Q1 on Flink.
    const Q1: [(f64, f64); 3] = [(1.0, 529_573.0), (8.0, 3_118_478.0), (26.0, 7_476_392.0)];

    #[test]
    fn the_published_points_are_found_again() {
        for (executors, rate) in Q1 {
            assert_eq!(conservative(&Q1, Demand::shared(rate), 30, 3), Some(executors as u32));
        }
    }

    #[test]
    fn far_from_what_was_seen_is_not_trusted() {
        let between = Process::fit(&Q1).map_or(0.0, |process| process.mean(16.0));
        let between = Demand::shared(between);
        assert_eq!(conservative(&Q1, between, 30, 3), None, "16 lies 8 from the nearest");
        assert!(conservative(&Q1, between, 30, 8).is_some());
    }

    #[test]
    fn pressure_doubles_all_operators_and_then_each_is_tuned() {
        let mut case = Case::line(500.0, &[(2, 500.0, 1.0), (2, 500.0, 0.3)]);
        case.flow.components[0].target.growth = Some(500.0);
        let mut memory = Memory::default();
        assert_eq!(case.counts(|s| find(s, &mut memory)), [(1, 4), (2, 4)]);
        let mut calm = Case::line(1000.0, &[(4, 1000.0, 1.0), (4, 1000.0, 0.3)]);
        calm.now = case.now;
        assert_eq!(calm.counts(|s| find(s, &mut memory)), [(2, 2)]);
    }
}
