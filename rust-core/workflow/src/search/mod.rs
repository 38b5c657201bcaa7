//! Ways and schedule together: `solve(problem, budget) -> solution`, never worse than the defaults.

mod anneal;
mod budget;
mod draft;
mod exact;
mod random;
mod space;

use crate::bound::relaxed;
use crate::objective::Objective;
use crate::problem::Problem;
use crate::schedule::{Schedule, as_orchestrators_do};
use crate::units::{Money, Time};
use anneal::anneal;
pub use budget::Budget;
use exact::exact;
use space::{Found, Searched, Ways};

/// Whom a plan is compared with, and the best that was found.
#[derive(Debug, Clone)]
pub struct Solution {
    /// What each task's default comes to when whatever is ready starts.
    pub default: Outcome,
    /// The plan.
    pub best: Outcome,
    /// How good it is.
    pub quality: Quality,
    /// Placements of a task that were tried.
    pub steps: u64,
    /// Whether the search was told to stop before it had used up its steps; another time it may find another plan.
    pub stopped: bool,
}

/// A schedule with what it comes to.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Ways and starts.
    pub schedule: Schedule,
    /// When the last task ends.
    pub makespan: Time,
    /// What all cost together.
    pub cost: Money,
    /// The objective, that of the defaults being 1.
    pub value: f64,
}

/// How far a plan may be from the best one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Quality {
    /// No plan is better.
    Best,
    /// It is not known whether there is a better one; none is below this value.
    AtLeast(f64),
}

impl Quality {
    /// By how many per cent of a plan's value a better one may at most be below it.
    pub fn gap_percent(self, value: f64) -> f64 {
        match self {
            Self::Best => 0.0,
            Self::AtLeast(bound) => ((value - bound) / value * 100.0).max(0.0),
        }
    }
}

/// What the objective compares with, and what a schedule is worth by it.
#[derive(Debug)]
pub struct Scale<'a> {
    problem: &'a Problem,
    objective: Objective,
    default: Schedule,
}

impl<'a> Scale<'a> {
    /// That of a problem.
    pub fn new(problem: &'a Problem) -> Self {
        let default = as_orchestrators_do(problem, &problem.defaults());
        let objective = Objective::new(problem, default.end(problem), problem.cost(&default.modes));
        Self { problem, objective, default }
    }

    /// What a schedule comes to.
    pub fn outcome(&self, schedule: Schedule) -> Outcome {
        let (makespan, cost) = (schedule.end(self.problem), self.problem.cost(&schedule.modes));
        let value = self.objective.of(makespan, cost);
        Outcome { schedule, makespan, cost, value }
    }
}

/// Chooses ways and schedule. The same problem and steps have the same answer.
pub fn solve(problem: &Problem, budget: &mut Budget<'_>) -> Solution {
    let scale = Scale::new(problem);
    let default = scale.outcome(scale.default.clone());
    let search = Searched { problem, objective: &scale.objective, ways: Ways::of_problem(problem) };
    let mut found = Found { schedule: default.schedule.clone(), value: default.value };
    let (bound, ways) = relaxed(problem, &scale.objective);
    let begun = scale.outcome(as_orchestrators_do(problem, &ways));
    if begun.value < found.value {
        found = Found { schedule: begun.schedule, value: begun.value };
    }
    let small = problem.tasks().len() <= exact::MOST_TASKS;
    // A good plan first, as it keeps the search of all of them short.
    let part = budget.left() / 16;
    anneal(&search, &mut found, budget, part);
    let whole = small && {
        let part = budget.left() / 4;
        exact(&search, &mut found, budget, part)
    };
    if !whole {
        for round in (1..=ROUNDS).rev() {
            let part = budget.left() / round;
            anneal(&search, &mut found, budget, part);
        }
    }
    let quality = match whole && !budget.stopped() {
        true => Quality::Best,
        false => Quality::AtLeast(bound),
    };
    let best = scale.outcome(found.schedule);
    Solution { default, best, quality, steps: budget.spent(), stopped: budget.stopped() }
}

/// How often annealing begins anew from the best.
const ROUNDS: u64 = 4;
