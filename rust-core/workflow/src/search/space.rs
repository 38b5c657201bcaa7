//! What is searched in, and the best that was found in it.

use crate::objective::Objective;
use crate::problem::{Mode, Problem};
use crate::schedule::Schedule;

/// What is searched in.
#[derive(Debug)]
pub(crate) struct Searched<'a> {
    pub problem: &'a Problem,
    pub objective: &'a Objective,
    pub ways: Ways,
}

/// The best so far.
#[derive(Debug)]
pub(crate) struct Found {
    pub schedule: Schedule,
    pub value: f64,
}

/// The ways of each task that can be part of a best plan: those that fit, without those that another is at least as good as
/// in everything.
#[derive(Debug)]
pub(crate) struct Ways(Vec<Vec<usize>>);

impl Ways {
    pub fn of_problem(problem: &Problem) -> Self {
        let of_task = |modes: &[Mode]| {
            let worth = |at: usize| {
                let beaten = |by: usize| {
                    at_least_as_good(&modes[by], &modes[at])
                        && (by < at || !at_least_as_good(&modes[at], &modes[by]))
                };
                problem.fits(&modes[at]) && !(0..modes.len()).any(|by| by != at && beaten(by))
            };
            (0..modes.len()).filter(|at| worth(*at)).collect()
        };
        Self(problem.tasks().iter().map(|task| of_task(&task.modes)).collect())
    }

    pub fn of(&self, task: usize) -> &[usize] {
        &self.0[task]
    }
}

fn at_least_as_good(one: &Mode, other: &Mode) -> bool {
    let needs = || one.needs.iter().zip(&other.needs).all(|(one, other)| one <= other);
    one.length <= other.length && one.cost <= other.cost && needs()
}
