//! What makes one plan better than another: α·M/M₀ + (1−α)·C/C₀, that of each task's default being 1.

use crate::problem::Problem;
use crate::units::{Money, Time};

/// What counts for nothing counts for this: nothing that is seen.
const TIE: f64 = 1e-6;

/// What plans are measured by: makespan and cost of the defaults, and how much each counts.
#[derive(Debug, Clone, Copy)]
pub struct Objective {
    /// What a millisecond of makespan counts.
    time: f64,
    /// What the smallest coin counts.
    money: f64,
}

impl Objective {
    /// That of a problem, whose defaults take and cost so much. Where one of both does not count, it still tells plans apart
    /// that are equally good.
    pub fn new(problem: &Problem, makespan: Time, cost: Money) -> Self {
        let alpha = problem.alpha().get().clamp(TIE, 1.0 - TIE);
        // Where time alone counts, the defaults may cost nothing.
        let money = if cost > Money::ZERO { (1.0 - alpha) / cost.get() as f64 } else { 0.0 };
        Self { time: alpha / makespan.get() as f64, money }
    }

    /// The value of a makespan and a cost; less is better.
    pub fn of(&self, makespan: Time, cost: Money) -> f64 {
        self.of_time(makespan) + self.of_cost(cost)
    }

    /// The part that a length of time makes.
    pub fn of_time(&self, time: Time) -> f64 {
        self.time * time.get() as f64
    }

    /// The part that a cost makes.
    pub fn of_cost(&self, cost: Money) -> f64 {
        self.money * cost.get() as f64
    }
}
