//! How unevenly a component's records and work are spread over its executors: what its fullest
//! executor cannot do is not done by the others.

use super::limits::SATURATED;
use crate::demand::{ComponentFlow, ExecutorFlow};
use crate::diagnose::cause::median;
use crate::settings::SlotRule;

/// An executor with so many times its siblings' records is hot.
const HOT: f64 = 2.0;
/// An executor with less than this part of the most that one gets has nothing to do.
const NOTHING: f64 = 0.05;
/// With fewer executors than this, uneven keys look like a hot one.
const ENOUGH_TO_TELL: usize = 4;
/// Executors that hardly work say nothing about balance.
const AT_WORK: f64 = 0.1;

/// How records are dealt out to however many executors there are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shares {
    /// Records are dealt to tasks, and an executor has as many of them as its siblings, or one more.
    tasks: u32,
    /// The part of all records that belongs to one key.
    pub hot: f64,
    /// Executors that get any, where streams leave the others idle; 0 where all do.
    reached: u32,
}

impl Shares {
    /// The shares of a component as measured, in slots of this kind.
    pub fn of(component: &ComponentFlow, slots: SlotRule) -> Self {
        // A source's executors share partitions, of which nothing is known here.
        let even = component.source || dealt_to_executors(component, slots);
        let tasks = if even { 0 } else { component.tasks };
        Self { tasks, hot: hot_key(component), reached: reached(component) }
    }

    /// Mean share of `executors` over the fullest one's: 1 where all have the same. Twelve tasks on
    /// five executors are 3, 3, 2, 2, 2, so that it is 2.4 / 3 = 0.8.
    pub fn evenness(self, executors: u32) -> f64 {
        let fair = 1.0 / f64::from(executors.max(1));
        let by_tasks = match self.tasks {
            0 => fair,
            tasks => f64::from(tasks.div_ceil(executors.max(1))) / f64::from(tasks),
        };
        let by_streams = if self.reached == 0 { fair } else { 1.0 / f64::from(self.reached) };
        let fullest = by_tasks.max(by_streams).max(fair);
        fair / (self.hot + (1.0 - self.hot) * fullest)
    }
}

/// Mean busy share of a component's executors over the busiest one's, beyond what its shares explain:
/// below 1 on nodes of unequal speed and with keys of unequal weight, above 1 where the engine deals
/// records more evenly than tasks. Nothing where it hardly works.
pub fn balance(component: &ComponentFlow, slots: SlotRule) -> Option<f64> {
    component.timed.then_some(())?;
    let each = dealt_to_executors(component, slots).then(|| dealt_input(component)).flatten();
    // One that takes in more than its siblings, who are sent as much, works off what waited before it: that
    // says nothing of its share.
    let busy = |e: &ExecutorFlow| match each {
        Some(each) if e.input > each => e.busy * each / e.input,
        _ => e.busy,
    };
    let busiest = component.measured.iter().map(busy).reduce(f64::max).filter(|b| *b >= AT_WORK)?;
    let ability: f64 = component.measured.iter().map(|e| e.ability).sum();
    let work: f64 = component.measured.iter().map(|e| busy(e) * e.ability).sum();
    let explained = Shares::of(component, slots).evenness(component.executors);
    Some((work / ability / busiest).clamp(0.1, 1.0) / explained)
}

/// Whether every executor is sent as much as its siblings: where records are shuffled, Flink deals them to
/// executors. Storm deals them to tasks.
fn dealt_to_executors(component: &ComponentFlow, slots: SlotRule) -> bool {
    slots.is_shared() && !component.source && component.shuffled
}

/// What each executor is sent where all are sent as much, in records per second: what those take in that are not
/// full, as far as there are any.
fn dealt_input(component: &ComponentFlow) -> Option<f64> {
    let free = component.measured.iter().filter(|e| e.busy < SATURATED);
    median(free.map(|e| e.input)).or_else(|| median(component.measured.iter().map(|e| e.input)))
}

/// Executors that get records, if streams that need not reach all leave some without; else 0.
fn reached(component: &ComponentFlow) -> u32 {
    if component.keyed || (component.shuffled && !component.source) {
        return 0;
    }
    let most = component.measured.iter().map(|e| e.input).fold(0.0, f64::max);
    let reached = component.measured.iter().filter(|e| e.input > NOTHING * most).count();
    let all = reached == component.measured.len();
    if all { 0 } else { u32::try_from(reached).unwrap_or(u32::MAX) }
}

/// The part of a component's records that belongs to one key, as far as it can be told.
fn hot_key(component: &ComponentFlow) -> f64 {
    let count = component.measured.len();
    if !component.keyed || count < ENOUGH_TO_TELL {
        return 0.0;
    }
    let inputs = || component.measured.iter().map(|e| e.input);
    let hot = match (median(inputs()), inputs().reduce(f64::max)) {
        (Some(usual), Some(most)) => usual > 0.0 && most > HOT * usual,
        _ => false,
    };
    if !hot {
        return 0.0;
    }
    let fair = 1.0 / count as f64;
    ((component.hottest().unwrap_or(fair) - fair) / (1.0 - fair)).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_that_cannot_be_dealt_evenly_cost_capacity() {
        let shares = |tasks, reached| Shares { tasks, hot: 0.0, reached };
        assert!((shares(12, 0).evenness(5) - 0.8).abs() < 1e-12);
        assert!((shares(12, 0).evenness(6) - 1.0).abs() < 1e-12);
        assert!((shares(0, 0).evenness(5) - 1.0).abs() < 1e-12);
        // One of eight gets all: as much is done with one.
        assert_eq!([8, 4, 1].map(|count| shares(0, 1).evenness(count)), [0.125, 0.25, 1.0]);
        assert_eq!([8, 4, 2].map(|count| shares(0, 4).evenness(count)), [0.5, 1.0, 1.0]);
    }

    /// An operator without keys, of whose four executors, busy for half their time, the last one is on a
    /// node of half the speed and does `input` records per second.
    fn on_a_slow_node(input: f64) -> ComponentFlow {
        let fast = ExecutorFlow { node: 0, ability: 1.0, input: 100.0, busy: 0.5 };
        let slow = ExecutorFlow { node: 1, ability: 0.5, input, busy: 0.01 * input };
        ComponentFlow {
            executors: 4,
            tasks: 14,
            measured: vec![fast, fast, fast, slow],
            timed: true,
            shuffled: true,
            ..ComponentFlow::default()
        }
    }

    #[test]
    fn without_keys_flink_deals_records_to_executors_and_storm_to_tasks() {
        let component = on_a_slow_node(75.0);
        assert!((Shares::of(&component, SlotRule::Engine).evenness(4) - 1.0).abs() < 1e-12);
        assert!((Shares::of(&component, SlotRule::Workers).evenness(4) - 0.875).abs() < 1e-12);
        let keyed = ComponentFlow { keyed: true, shuffled: false, ..component };
        assert!((Shares::of(&keyed, SlotRule::Engine).evenness(4) - 0.875).abs() < 1e-12);
    }

    #[test]
    fn working_off_what_waits_is_no_unevenness() {
        // Weighted by ability: (3 * 0.5 + 0.5 * 0.9) / 3.5 of the 0.9 that the slow one is busy.
        let of = |input| balance(&on_a_slow_node(input), SlotRule::Shared).expect("it works");
        assert!((of(90.0) - 1.95 / 3.5 / 0.9).abs() < 1e-12);
        // Full with 100/s it is sent as much as its siblings; with 130/s as well, and the rest waited.
        let slower = |input, busy| {
            let mut component = on_a_slow_node(input);
            component.measured[3].busy = busy;
            balance(&component, SlotRule::Shared).expect("it works")
        };
        assert!((of(100.0) - 2.0 / 3.5).abs() < 1e-12);
        let busy = 1.0 / 1.3;
        assert!((slower(130.0, 1.0) - (1.5 + 0.5 * busy) / 3.5 / busy).abs() < 1e-12);
        let storm = balance(&on_a_slow_node(130.0), SlotRule::Workers).expect("it works");
        assert!((storm - (1.5 + 0.65) / 3.5 / 1.3 / 0.875).abs() < 1e-12, "{storm}");
    }

    /// Three executors after a rescale: the first works off alone what waited before it was one of three.
    fn rescaled(busy: f64) -> ComponentFlow {
        let executor = |input, busy| ExecutorFlow { node: 0, ability: 1.0, input, busy };
        ComponentFlow {
            executors: 3,
            tasks: 128,
            measured: vec![executor(55.0, busy), executor(14.0, 0.23), executor(14.0, 0.23)],
            timed: true,
            shuffled: true,
            ..ComponentFlow::default()
        }
    }

    #[test]
    fn executors_that_are_dealt_as_much_are_not_uneven_for_what_waited() {
        for busy in [1.0, 0.93] {
            let found = balance(&rescaled(busy), SlotRule::Shared).expect("it works");
            assert!(found > 0.9, "{found}");
        }
        // Where something else decides, it may go on like this.
        let local = ComponentFlow { shuffled: false, ..rescaled(0.93) };
        assert!(balance(&local, SlotRule::Shared).expect("it works") < 0.6);
        let mut two = rescaled(0.93);
        two.measured.pop();
        assert!(balance(&two, SlotRule::Shared).expect("it works") > 0.9);
    }

    #[test]
    fn a_hot_key_bounds_what_executors_bring() {
        // Half of all records are one key's: four executors do no more than 1 / 0.625 of one.
        let shares = Shares { tasks: 64, hot: 0.5, reached: 0 };
        assert!((shares.evenness(4) - 0.25 / 0.625).abs() < 1e-12);
    }
}
