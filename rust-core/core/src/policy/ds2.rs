//! The policy `ds2`: executors for exactly what the sources bring, in one pass over the graph.
//!
//! Source: Kalavri et al., "Three steps is all you need", OSDI 2018, and the controller its authors
//! published. `executors = ceil(demand / mean true rate)`, with demand from the sources' external
//! rates. Decisions are taken after `activation` of them in a row, the largest of which counts; a
//! scale-down by a single executor is ignored, as in the controller. When nothing would change but
//! sources stay below their rate by more than the target ratio, every operator grows by that ratio.
//! The backlog is not caught up with: DS2 has no term for it.

use std::collections::{BTreeMap, VecDeque};

use super::desired::{DesiredCounts, direction, intent, main_reason, unknown_rates};
use super::situation::{Intent, Situation};
use crate::demand::{Demand, Flow, Target, whole_executors};
use crate::reason::{Reason, ReasonCode};

const RATIO: &str = "thalweg.ds2.target.rate.ratio";
const ACTIVATION: &str = "thalweg.ds2.activation";

/// The last decisions.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Memory {
    decisions: VecDeque<DesiredCounts>,
}

/// Executors for a demand at a true rate of one executor (equation 7); nothing where no number is enough.
pub fn executors_for(demand: Demand, true_rate: f64, headroom: f64) -> Option<u32> {
    demand.times(1.0 + headroom).executors(true_rate).map(whole_executors)
}

/// What DS2 proposes for every component whose demand and true rate are known.
pub fn propose(flow: &Flow, demand: &[Option<Demand>], headroom: f64) -> DesiredCounts {
    flow.users()
        .filter_map(|(index, component)| {
            Some((index, executors_for(demand[index]?, component.true_rate()?, headroom)?))
        })
        .collect()
}

/// What should change.
pub fn find(situation: &Situation<'_>, memory: &mut Memory) -> Intent {
    let own = &situation.settings.ds2;
    let demand = situation.demand(Target::arrival);
    let mut desired = propose(situation.flow, &demand, own.headroom);
    if desired.is_empty() {
        return Intent::Stay(vec![unknown_rates()]);
    }
    desired.retain(|&index, count| {
        let executors = situation.flow.components[index].executors;
        *count + 1 != executors && *count != executors
    });
    let missed = missed_ratio(situation.flow);
    let converged = desired.is_empty();
    if converged && missed > own.target_rate_ratio {
        desired = grown(situation, missed);
    }
    memory.decisions.push_back(desired);
    while memory.decisions.len() > own.activation.max(1) {
        memory.decisions.pop_front();
    }
    if memory.decisions.len() < own.activation {
        let (have, need) = (memory.decisions.len() as f64, own.activation as f64);
        let text = "decisions in a row";
        let reason = Reason::compared(ReasonCode::NotYetPersistent, have, need, text);
        return Intent::Stay(vec![reason.changed_by(ACTIVATION)]);
    }
    let desired = largest(&memory.decisions);
    let reason = match direction(situation, &desired) {
        0 => Reason::compared(
            ReasonCode::DemandMet,
            missed,
            own.target_rate_ratio,
            "target rate over achieved rate of the sources",
        ),
        1.. if converged => Reason::compared(
            ReasonCode::DemandAboveCapacity,
            missed,
            own.target_rate_ratio,
            "the plan has converged, but sources fall short by this ratio",
        ),
        _ => main_reason(situation, &desired, &demand),
    };
    let intent = intent(situation, &desired, vec![reason.changed_by(RATIO)]);
    if matches!(intent, Intent::Scale { .. }) {
        memory.decisions.clear();
    }
    intent
}

/// The largest ratio of target rate to achieved rate among the sources.
fn missed_ratio(flow: &Flow) -> f64 {
    let sources = flow.components.iter().filter(|c| c.source && c.target.consumed > 0.0);
    sources.map(|c| c.target.arrival() / c.target.consumed).fold(1.0, f64::max)
}

fn grown(situation: &Situation<'_>, ratio: f64) -> DesiredCounts {
    let operators = situation.flow.users().filter(|(_, c)| c.timed && c.true_rate().is_some());
    operators.map(|(index, c)| (index, whole_executors(f64::from(c.executors) * ratio))).collect()
}

fn largest(decisions: &VecDeque<DesiredCounts>) -> DesiredCounts {
    let mut largest: BTreeMap<usize, u32> = decisions.back().cloned().unwrap_or_default();
    for (index, count) in &mut largest {
        let all = decisions.iter().filter_map(|decision| decision.get(index));
        *count = all.copied().max().unwrap_or(*count);
    }
    largest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::testing::Case;

    #[test]
    fn the_worked_number_of_the_design() {
        // Source 1000/s; a, b and c are fed 1000, 2000 and 1000, at 400, 700 and 300 each.
        let case = Case::line(
            1000.0,
            &[
                (1, 1000.0, 1000.0 / 400.0),
                (1, 2000.0, 2000.0 / 700.0),
                (1, 1000.0, 1000.0 / 300.0),
            ],
        );
        let mut memory = Memory::default();
        assert_eq!(case.counts(|s| find(s, &mut memory)), [(1, 3), (2, 3), (3, 4)]);
    }

    #[test]
    fn dhalions_word_count_ends_at_ten_and_twenty() {
        // The paper's comparison on Heron: 1 M sentences a minute in at 100 k a minute per FlatMap
        // and, at 20 words each, 1 M words a minute per Count: 10 and 20 executors in one step.
        let source = 1e6 / 60.0;
        let map = 0.5 * source; // what one FlatMap and one Count let through at first
        let mut case = Case::line(
            map,
            &[(1, map, map / (1e5 / 60.0)), (1, 20.0 * map, 20.0 * map / (1e6 / 60.0))],
        );
        case.flow.components[0].target.growth = Some(source - map);
        let mut memory = Memory::default();
        assert_eq!(case.counts(|s| find(s, &mut memory)), [(1, 10), (2, 20)]);
    }

    #[test]
    fn one_executor_too_many_stays_and_two_go() {
        let mut case = Case::line(1000.0, &[(4, 1000.0, 0.7)]);
        let mut memory = Memory::default();
        assert_eq!(case.counts(|s| find(s, &mut memory)), [], "needs 2.8 of 4");
        case.set_busy(1, 0.4);
        assert_eq!(case.counts(|s| find(s, &mut memory)), [(1, 2)]);
    }

    #[test]
    fn a_converged_plan_that_misses_the_rate_grows_by_the_ratio() {
        let mut case = Case::line(1000.0, &[(10, 1000.0, 0.9)]);
        // Busy time says that ten are enough for 1100/s, yet only 1000/s come through.
        case.flow.components[0].target.growth = Some(100.0);
        let mut memory = Memory::default();
        assert_eq!(case.counts(|s| find(s, &mut memory)), [(1, 11)]);
    }

    #[test]
    fn activation_waits_and_takes_the_largest() {
        let mut case = Case::line(1000.0, &[(1, 1000.0, 2.5)]);
        case.settings.ds2.activation = 2;
        let mut memory = Memory::default();
        assert_eq!(case.counts(|s| find(s, &mut memory)), []);
        case.set_busy(1, 1.8);
        assert_eq!(case.counts(|s| find(s, &mut memory)), [(1, 3)]);
    }
}
