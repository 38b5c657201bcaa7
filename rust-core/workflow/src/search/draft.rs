//! A plan in the making: the way of each task, and the order in which tasks are placed. Every order that keeps to what
//! tasks wait for is a plan, and some order of the best ways is the best plan.

use super::random::Random;
use crate::problem::Problem;
use crate::schedule::Schedule;

#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub modes: Vec<usize>,
    pub order: Vec<usize>,
    /// Where each task stands in the order.
    place: Vec<usize>,
}

/// What takes a change back.
#[derive(Debug)]
pub(crate) enum Back {
    Mode { task: usize, mode: usize },
    Place { from: usize, to: usize },
}

impl Draft {
    pub fn of(schedule: &Schedule) -> Self {
        let order = schedule.by_start();
        let mut place = vec![0; order.len()];
        for (at, task) in order.iter().enumerate() {
            place[*task] = at;
        }
        Self { modes: schedule.modes.clone(), order, place }
    }

    pub fn set(&mut self, task: usize, mode: usize) -> Back {
        let before = std::mem::replace(&mut self.modes[task], mode);
        Back::Mode { task, mode: before }
    }

    /// Moves a task to any other place in the order, behind all it waits for and before all that wait for it.
    pub fn shift(&mut self, problem: &Problem, random: &mut Random) -> Option<Back> {
        let from = random.below(self.order.len());
        let task = self.order[from];
        let after = problem.tasks()[task].after.iter().map(|before| self.place[*before] + 1);
        let least = after.max().unwrap_or(0);
        let followers = problem.followers(task).iter().map(|follower| self.place[*follower]);
        let most = followers.min().unwrap_or(self.order.len()) - 1;
        let to = least + random.below(most - least + 1);
        if to == from {
            return None;
        }
        self.relocate(from, to);
        Some(Back::Place { from: to, to: from })
    }

    pub fn undo(&mut self, back: Back) {
        match back {
            Back::Mode { task, mode } => self.modes[task] = mode,
            Back::Place { from, to } => self.relocate(from, to),
        }
    }

    fn relocate(&mut self, from: usize, to: usize) {
        let task = self.order.remove(from);
        self.order.insert(to, task);
        for at in from.min(to)..=from.max(to) {
            self.place[self.order[at]] = at;
        }
    }
}
