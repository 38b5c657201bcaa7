//! From ways and an order to start times: what is free over time, and two ways to build a schedule.

use crate::problem::{Mode, Problem};
use crate::units::{Amount, Time};

/// Ways and start times of all tasks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// The way of each task.
    pub modes: Vec<usize>,
    /// When each task starts.
    pub starts: Vec<Time>,
}

impl Schedule {
    /// When a task ends.
    pub fn end_of(&self, problem: &Problem, task: usize) -> Time {
        self.starts[task].plus(problem.tasks()[task].modes[self.modes[task]].length)
    }

    /// When the last task ends.
    pub fn end(&self, problem: &Problem) -> Time {
        let ends = (0..self.starts.len()).map(|task| self.end_of(problem, task));
        ends.max().unwrap_or_default()
    }

    /// All tasks by their start, and by their ordinal where they start together.
    pub fn by_start(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.starts.len()).collect();
        order.sort_by_key(|task| (self.starts[*task], *task));
        order
    }

    /// What is wrong with it, if anything: the post-condition of everything that makes one.
    pub fn fault(&self, problem: &Problem) -> Option<String> {
        for (at, task) in problem.tasks().iter().enumerate() {
            let early = |before: &&usize| self.end_of(problem, **before) > self.starts[at];
            if let Some(before) = task.after.iter().find(early) {
                return Some(format!("task {at} starts before {before} ends"));
            }
        }
        let running =
            |at: Time, task: &usize| self.starts[*task] <= at && at < self.end_of(problem, *task);
        for &at in &self.starts {
            for (resource, there) in problem.capacity().iter().enumerate() {
                let tasks = (0..self.starts.len()).filter(|task| running(at, task));
                let needs =
                    tasks.map(|task| problem.tasks()[task].modes[self.modes[task]].needs[resource]);
                if needs.fold(Amount::ZERO, Amount::plus) > *there {
                    return Some(format!("too much of resource {resource} at {} s", at.units()));
                }
            }
        }
        None
    }
}

/// What is free of each resource, from each instant at which that changes until the next.
#[derive(Debug, Clone)]
pub(crate) struct Free {
    from: Vec<Time>,
    /// As many for each instant as there are resources.
    left: Vec<Amount>,
    kinds: usize,
}

impl Free {
    pub fn all_of(problem: &Problem) -> Self {
        let capacity = problem.capacity();
        Self { from: vec![Time::ZERO], left: capacity.to_vec(), kinds: capacity.len() }
    }

    /// Everything is free again.
    fn reset(&mut self, problem: &Problem) {
        self.from.truncate(1);
        self.left.clear();
        self.left.extend_from_slice(problem.capacity());
    }

    /// The earliest instant from which there is enough all the while.
    pub fn earliest(&self, ready: Time, mode: &Mode) -> Time {
        let mut start = ready;
        let mut at = self.from.partition_point(|from| *from <= ready) - 1;
        while at < self.from.len() && (self.from[at] < start.plus(mode.length)) {
            let left = &self.left[at * self.kinds..(at + 1) * self.kinds];
            if mode.needs.iter().zip(left).any(|(need, left)| need > left) {
                // What begins last is free for ever, so there is a next.
                start = self.from.get(at + 1).copied().unwrap_or(start);
            }
            at += 1;
        }
        start
    }

    /// Takes away what is held from an instant on; it has to be free.
    pub fn take(&mut self, start: Time, mode: &Mode) {
        let first = self.split(start);
        let behind = self.split(start.plus(mode.length));
        for at in first..behind {
            let left = &mut self.left[at * self.kinds..(at + 1) * self.kinds];
            for (left, need) in left.iter_mut().zip(&mode.needs) {
                *left = Amount::of(left.get().saturating_sub(need.get()));
            }
        }
    }

    /// Makes an instant one at which something may change.
    fn split(&mut self, instant: Time) -> usize {
        let at = self.from.partition_point(|from| *from < instant);
        if self.from.get(at) != Some(&instant) {
            self.from.insert(at, instant);
            let before = (at - 1) * self.kinds;
            let copied: Vec<Amount> = self.left[before..before + self.kinds].to_vec();
            self.left.splice(at * self.kinds..at * self.kinds, copied);
        }
        at
    }

    /// The first instant behind another at which something changes.
    fn next_change(&self, after: Time) -> Option<Time> {
        self.from.get(self.from.partition_point(|from| *from <= after)).copied()
    }
}

/// Builds schedules one task after the other, each as early as it can start. Keeps its memory, as it is asked very often.
#[derive(Debug)]
pub(crate) struct Serial<'a> {
    problem: &'a Problem,
    free: Free,
}

impl<'a> Serial<'a> {
    pub fn new(problem: &'a Problem) -> Self {
        Self { problem, free: Free::all_of(problem) }
    }

    /// Fills in the start of each task, and says when the last ends. Nothing may stand before what it waits for.
    pub fn build(&mut self, modes: &[usize], order: &[usize], starts: &mut [Time]) -> Time {
        let tasks = self.problem.tasks();
        let mut last = Time::ZERO;
        self.free.reset(self.problem);
        for &at in order {
            let mode = &tasks[at].modes[modes[at]];
            let ends = tasks[at]
                .after
                .iter()
                .map(|before| starts[*before].plus(tasks[*before].modes[modes[*before]].length));
            let start = self.free.earliest(ends.max().unwrap_or_default(), mode);
            self.free.take(start, mode);
            starts[at] = start;
            last = last.max(start.plus(mode.length));
        }
        last
    }
}

/// What an orchestrator makes of given ways: whenever something ends, whatever is ready and fits starts, first of all
/// what most other tasks wait for, as Airflow's priorities have it.
pub fn as_orchestrators_do(problem: &Problem, modes: &[usize]) -> Schedule {
    let behind = behind(problem);
    let mut waiting: Vec<usize> = (0..problem.tasks().len()).collect();
    waiting.sort_by_key(|task| (std::cmp::Reverse(behind[*task]), *task));
    let mut schedule =
        Schedule { modes: modes.to_vec(), starts: vec![Time::ZERO; problem.tasks().len()] };
    let mut started = vec![false; problem.tasks().len()];
    let mut free = Free::all_of(problem);
    let mut now = Time::ZERO;
    while !waiting.is_empty() {
        waiting.retain(|&at| {
            let task = &problem.tasks()[at];
            let mode = &task.modes[modes[at]];
            let ended = |b: &usize| started[*b] && schedule.end_of(problem, *b) <= now;
            if !task.after.iter().all(ended) || free.earliest(now, mode) > now {
                return true;
            }
            free.take(now, mode);
            schedule.starts[at] = now;
            started[at] = true;
            false
        });
        // Once nothing changes any more, everything has ended, and what was first in line has started.
        now = free.next_change(now).unwrap_or(now);
    }
    schedule
}

/// How many tasks cannot start before a task has ended.
fn behind(problem: &Problem) -> Vec<usize> {
    let count = |task: usize| {
        let mut seen = vec![false; problem.tasks().len()];
        let mut open = problem.followers(task).to_vec();
        let mut found = 0;
        while let Some(at) = open.pop() {
            if !std::mem::replace(&mut seen[at], true) {
                found += 1;
                open.extend(problem.followers(at));
            }
        }
        found
    };
    (0..problem.tasks().len()).map(count).collect()
}
