//! Simulated annealing over ways and orders: the plan is changed a little, again and again, and changes for the worse are
//! kept now and then, less often the longer it goes on.

use super::budget::Budget;
use super::draft::{Back, Draft};
use super::random::Random;
use super::space::{Found, Searched};
use crate::schedule::{Schedule, Serial};
use crate::units::Time;

/// How much worse, as a part of the defaults' value and of what one of all tasks makes of it, is still often kept at the
/// beginning and at the end.
const WARM: f64 = 0.1;
const COLD: f64 = 0.003;

/// Searches from the best that is known, with so much of the budget.
pub(crate) fn anneal(
    search: &Searched<'_>,
    found: &mut Found,
    budget: &mut Budget<'_>,
    steps: u64,
) {
    let mut random = Random::new(steps ^ budget.spent().rotate_left(32));
    let mut draft = Draft::of(&found.schedule);
    let mut serial = Serial::new(search.problem);
    let mut starts = vec![Time::ZERO; draft.order.len()];
    let mut value = found.value;
    let (begun, each) = (budget.spent(), draft.order.len());
    let several: Vec<usize> = (0..each).filter(|task| search.ways.of(*task).len() > 1).collect();
    while budget.spent() - begun < steps && budget.take(each) {
        let through = (budget.spent() - begun) as f64 / steps as f64;
        let changed = change(search, &several, &mut draft, &mut random);
        let makespan = serial.build(&draft.modes, &draft.order, &mut starts);
        let now = search.objective.of(makespan, search.problem.cost(&draft.modes));
        // From here on only what is exact everywhere: no exponential function, as libraries differ in its last digit.
        let left = (1.0 - through) * (1.0 - through);
        let warmth = (COLD + (WARM - COLD) * left * left) / each as f64;
        if now <= value + warmth * random.patience() {
            value = now;
            if now < found.value * (1.0 - 1e-12) {
                let schedule = Schedule { modes: draft.modes.clone(), starts: starts.clone() };
                *found = Found { schedule, value: now };
            }
        } else {
            changed.into_iter().rev().for_each(|back| draft.undo(back));
        }
    }
}

/// Changes ways, the order, or both of them.
fn change(
    search: &Searched<'_>,
    several: &[usize],
    draft: &mut Draft,
    random: &mut Random,
) -> Vec<Back> {
    let kind = random.below(4);
    let mut changed = Vec::new();
    let mut another = |draft: &mut Draft, random: &mut Random| {
        if several.is_empty() {
            return;
        }
        let task = several[random.below(several.len())];
        let ways = search.ways.of(task);
        changed.push(draft.set(task, ways[random.below(ways.len())]));
    };
    match kind {
        0 | 1 => another(draft, random),
        // What one task gives up, another may take.
        2 => {
            another(draft, random);
            another(draft, random);
        }
        _ => {}
    }
    if kind != 0 {
        changed.extend(draft.shift(search.problem, random));
    }
    changed
}
