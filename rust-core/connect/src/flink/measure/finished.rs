//! The counters of subtasks that have finished, as of a source that has read all there was. Flink counts nothing for them any
//! more; they do nothing, which is not the same as that nothing is known of them.

use std::collections::{BTreeMap, BTreeSet};

use super::super::view::{Spent, Totals};

const NOTHING: Spent = Spent { busy: 0.0, backpressured: 0.0, idle: 0.0 };

/// When subtasks were first seen finished, in ms of the clock.
#[derive(Debug, Default)]
pub struct Finished(BTreeMap<String, i64>);

impl Finished {
    /// The last totals, and all of the time since the subtask was first seen finished as idle.
    pub fn at(&mut self, subtask: &str, last: Option<&Totals>, clock: i64) -> Totals {
        let first = *self.0.entry(subtask.to_owned()).or_insert(clock);
        let known = last.and_then(|last| Some((last.read, last.written, last.spent?)));
        let (read, written, spent) = known.unwrap_or((0.0, 0.0, NOTHING));
        let idle = spent.idle + clock.saturating_sub(first) as f64;
        Totals::timed(read, written, Spent { idle, ..spent })
    }

    /// Forgets all other subtasks.
    pub fn keep(&mut self, subtasks: &BTreeSet<String>) {
        self.0.retain(|subtask, _| subtasks.contains(subtask));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_finished_is_idle_from_then_on() {
        let mut finished = Finished::default();
        let last = Totals::timed(9.0, 8.0, Spent { busy: 7.0, backpressured: 6.0, idle: 5.0 });
        assert_eq!(finished.at("a", Some(&last), 1_000), last);
        let later = finished.at("a", Some(&last), 3_500).spent.expect("timed");
        assert_eq!((later.busy, later.idle), (7.0, 2_505.0));
        assert_eq!(finished.at("b", None, 1_000).time, 0.0);
        assert_eq!(finished.at("b", Some(&Totals::untimed(1.0, 1.0, 9.0)), 2_000).time, 1_000.0);
    }
}
