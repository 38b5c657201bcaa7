//! Executors that start again and again.

use std::collections::{BTreeMap, VecDeque};

use crate::model::{Executor, SlotRef, TaskRange};
use crate::units::{Millis, Timestamp};

/// So many starts within [`WITHIN`] are no single failure.
const AGAIN_AND_AGAIN: usize = 3;
/// The time over which starts are counted.
const WITHIN: Millis = Millis::from_secs(600);

/// When executors of a topology were seen to have started again, other than by an action on it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Restarts {
    all: BTreeMap<TaskRange, Starts>,
}

#[derive(Debug, Clone, PartialEq, Default)]
struct Starts {
    /// Seconds that it had been running for when it last reported.
    uptime_secs: Option<u32>,
    /// Where it ran when last seen.
    slot: Option<SlotRef>,
    seen: VecDeque<Timestamp>,
}

impl Restarts {
    /// Takes in what is seen of the executors at `at`. Starts that an action brings about are expected.
    pub fn note(&mut self, executors: &[Executor], at: Timestamp, expected: bool) {
        // Executors of other tasks are others.
        let there = |tasks: &TaskRange| {
            executors.binary_search_by_key(tasks, |e| e.tasks).is_ok()
                || executors.iter().any(|e| e.tasks == *tasks)
        };
        self.all.retain(|tasks, _| there(tasks));
        for executor in executors {
            let starts = self.all.entry(executor.tasks).or_default();
            let uptime_secs = executor.counters.map(|counters| counters.uptime_secs);
            let younger = uptime_secs.zip(starts.uptime_secs).is_some_and(|(is, was)| is < was);
            let moved = executor.slot.is_some()
                && starts.slot.is_some_and(|was| executor.slot != Some(was));
            if (younger || moved) && !expected {
                starts.seen.push_back(at);
            }
            // A new one counts from its first report.
            starts.uptime_secs = if moved {
                uptime_secs.filter(|_| younger)
            } else {
                uptime_secs.or(starts.uptime_secs)
            };
            starts.slot = executor.slot.or(starts.slot);
            starts.seen.retain(|seen| at.since(*seen) < WITHIN);
        }
    }

    /// How often an executor has started within the last ten minutes, if that is again and again.
    pub fn of(&self, tasks: TaskRange) -> Option<usize> {
        let starts = self.all.get(&tasks)?.seen.len();
        (starts >= AGAIN_AND_AGAIN).then_some(starts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Counters;

    fn executor(port: u32, uptime_secs: u32) -> Executor {
        Executor {
            component: 0,
            tasks: TaskRange::new(1, 1),
            slot: Some(SlotRef { node: 0, port }),
            counters: Some(Counters { uptime_secs, ..Counters::default() }),
        }
    }

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_millis(secs * 1000)
    }

    /// Starts counted after a look each ten seconds at an executor whose worker ends each `period` seconds.
    fn counted(period: i64, secs: i64) -> Option<usize> {
        let mut restarts = Restarts::default();
        for now in (0..=secs).step_by(10) {
            restarts.note(&[executor(1, (now % period) as u32)], at(now), false);
        }
        restarts.of(TaskRange::new(1, 1))
    }

    #[test]
    fn the_third_start_within_ten_minutes_is_one_too_many() {
        assert_eq!([counted(50, 140), counted(50, 150)], [None, Some(3)]);
        assert_eq!([counted(400, 3600), counted(10_000, 3600)], [None, None]);
        assert!(counted(25, 100).is_some() && counted(15, 60).is_some());
        let mut restarts = Restarts::default();
        for now in 0..4 {
            restarts.note(&[executor(1, 5 - now)], at(i64::from(now)), false);
        }
        assert_eq!(restarts.of(TaskRange::new(1, 1)), Some(3));
        restarts.note(&[executor(1, 900)], at(900), false);
        assert_eq!(restarts.of(TaskRange::new(1, 1)), None, "it has kept on since");
    }

    #[test]
    fn a_place_that_changes_again_and_again_counts_and_an_action_does_not() {
        for (expected, found) in [(false, Some(3)), (true, None)] {
            let mut restarts = Restarts::default();
            for now in 0..4u32 {
                let seen = Executor { counters: None, ..executor(1 + now, 0) };
                restarts.note(&[seen], at(60 * i64::from(now)), expected);
            }
            assert_eq!(restarts.of(TaskRange::new(1, 1)), found);
        }
    }
}
