//! A solution beside the workflow whose names it needs.

use crate::problem::Problem;
use crate::schedule::Serial;
use crate::search::{Outcome, Scale, Solution};
use crate::workflow::Workflow;

/// A solution beside the workflow whose names it needs.
pub(super) struct Named<'a> {
    pub workflow: &'a Workflow,
    pub problem: &'a Problem,
    pub solution: &'a Solution,
    /// The configurations of each task that ways stand for.
    pub usable: Vec<Vec<usize>>,
}

impl<'a> Named<'a> {
    pub fn new(workflow: &'a Workflow, problem: &'a Problem, solution: &'a Solution) -> Self {
        let usable = workflow.tasks.iter().map(|task| workflow.usable(task)).collect();
        Self { workflow, problem, solution, usable }
    }

    pub fn best(&self) -> &Outcome {
        &self.solution.best
    }

    pub fn configuration(&self, task: usize) -> usize {
        self.usable[task][self.best().schedule.modes[task]]
    }

    /// What would be if a task were run in another way and all were placed in the same order.
    pub fn instead(&self, scale: &Scale<'_>, task: usize, way: usize) -> Outcome {
        let mut schedule = self.best().schedule.clone();
        let order = schedule.by_start();
        schedule.modes[task] = way;
        Serial::new(self.problem).build(&schedule.modes, &order, &mut schedule.starts);
        scale.outcome(schedule)
    }
}
