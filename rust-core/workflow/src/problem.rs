//! What is to be planned, in ordinals and quantities: names and texts stay outside.

use thiserror::Error;

use crate::units::{Alpha, Amount, Money, Time};

/// One way to run a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mode {
    /// How long it takes.
    pub length: Time,
    /// What it costs.
    pub cost: Money,
    /// What it holds of each resource while it runs.
    pub needs: Vec<Amount>,
}

/// A task with the ways to run it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// The tasks that have to have ended.
    pub after: Vec<usize>,
    /// The ways to run it.
    pub modes: Vec<Mode>,
    /// The way that it is run by default.
    pub default: usize,
}

/// Why something cannot be planned; tasks are named by their ordinals.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ProblemError {
    /// There is nothing to plan.
    #[error("there is no task")]
    Empty,
    /// A task names one that there is not, or has no such default, or needs of another number of resources.
    #[error("task {0} does not fit the others")]
    Malformed(usize),
    /// Tasks wait for each other, each for the next and the last for the first.
    #[error("tasks wait for each other: {0:?}")]
    Circle(Vec<usize>),
    /// A way to run a task takes no time.
    #[error("task {0} takes no time")]
    Instant(usize),
    /// The default of a task needs more than there is.
    #[error("the default of task {0} needs more than there is")]
    FitsNowhere(usize),
    /// Cost is to count, and the defaults cost nothing that it could be compared with.
    #[error("the defaults cost nothing, so cost cannot be compared")]
    NothingCosts,
}

/// All that a plan depends on.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    capacity: Vec<Amount>,
    tasks: Vec<Task>,
    alpha: Alpha,
    followers: Vec<Vec<usize>>,
    order: Vec<usize>,
}

impl Problem {
    /// Checks that it can be planned.
    ///
    /// # Errors
    /// [`ProblemError`].
    pub fn new(
        capacity: Vec<Amount>,
        tasks: Vec<Task>,
        alpha: Alpha,
    ) -> Result<Self, ProblemError> {
        if tasks.is_empty() {
            return Err(ProblemError::Empty);
        }
        for (at, task) in tasks.iter().enumerate() {
            check(at, task, tasks.len(), &capacity)?;
        }
        if alpha.get() < 1.0 && tasks.iter().all(|task| task.modes[task.default].cost.get() == 0) {
            return Err(ProblemError::NothingCosts);
        }
        let mut followers = vec![Vec::new(); tasks.len()];
        for (at, task) in tasks.iter().enumerate() {
            for before in &task.after {
                followers[*before].push(at);
            }
        }
        let order = topological(&tasks, &followers)?;
        Ok(Self { capacity, tasks, alpha, followers, order })
    }

    /// What there is of each resource.
    pub fn capacity(&self) -> &[Amount] {
        &self.capacity
    }

    /// The tasks.
    pub fn tasks(&self) -> &[Task] {
        &self.tasks
    }

    /// How much of the objective is time.
    pub fn alpha(&self) -> Alpha {
        self.alpha
    }

    /// The tasks that wait for a task.
    pub fn followers(&self, task: usize) -> &[usize] {
        &self.followers[task]
    }

    /// All tasks, none before one that it waits for.
    pub fn order(&self) -> &[usize] {
        &self.order
    }

    /// Whether there is enough of everything for a way to run a task.
    pub fn fits(&self, mode: &Mode) -> bool {
        mode.needs.iter().zip(&self.capacity).all(|(need, there)| need <= there)
    }

    /// The way of each task that it is run by default.
    pub fn defaults(&self) -> Vec<usize> {
        self.tasks.iter().map(|task| task.default).collect()
    }

    /// What chosen ways cost together.
    pub fn cost(&self, modes: &[usize]) -> Money {
        let costs = self.tasks.iter().zip(modes).map(|(task, mode)| task.modes[*mode].cost);
        costs.fold(Money::ZERO, Money::plus)
    }
}

fn check(at: usize, task: &Task, count: usize, capacity: &[Amount]) -> Result<(), ProblemError> {
    let counted = task.modes.iter().all(|mode| mode.needs.len() == capacity.len());
    let known = task.after.iter().all(|before| *before < count && *before != at);
    let Some(default) = task.modes.get(task.default).filter(|_| counted && known) else {
        return Err(ProblemError::Malformed(at));
    };
    if task.modes.iter().any(|mode| mode.length == Time::ZERO) {
        return Err(ProblemError::Instant(at));
    }
    if default.needs.iter().zip(capacity).any(|(need, there)| need > there) {
        return Err(ProblemError::FitsNowhere(at));
    }
    Ok(())
}

fn topological(tasks: &[Task], followers: &[Vec<usize>]) -> Result<Vec<usize>, ProblemError> {
    let mut waits: Vec<usize> = tasks.iter().map(|task| task.after.len()).collect();
    let mut order: Vec<usize> = (0..tasks.len()).filter(|at| waits[*at] == 0).collect();
    let mut next = 0;
    while let Some(&done) = order.get(next) {
        next += 1;
        for &follower in &followers[done] {
            waits[follower] -= 1;
            if waits[follower] == 0 {
                order.push(follower);
            }
        }
    }
    if order.len() == tasks.len() {
        Ok(order)
    } else {
        Err(ProblemError::Circle(circle(tasks, &waits)))
    }
}

/// Follows what tasks wait for from one that waits for ever, until one comes again.
fn circle(tasks: &[Task], waits: &[usize]) -> Vec<usize> {
    let mut at = waits.iter().position(|left| *left > 0).unwrap_or_default();
    let mut seen = Vec::new();
    while !seen.contains(&at) {
        seen.push(at);
        at = tasks[at].after.iter().copied().find(|b| waits[*b] > 0).unwrap_or(at);
    }
    let from = seen.iter().position(|one| *one == at).unwrap_or_default();
    seen.split_off(from)
}
