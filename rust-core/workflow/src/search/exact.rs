//! Branch and bound over all plans, for few tasks: what ends within its budget has the best there is.
//!
//! Tasks are placed by their start, each in each of its ways and as early as it can: some best plan is built like that, as
//! in it no task could start earlier while all others stay. What cannot become better than the best that is known is left.

use super::budget::Budget;
use super::space::{Found, Searched};
use crate::problem::Mode;
use crate::schedule::{Free, Schedule};
use crate::units::Time;

/// More tasks than these were never seen to end.
pub(crate) const MOST_TASKS: usize = 24;
/// A plan that is better by less than this part is not looked for.
const CLOSE: f64 = 1e-9;

/// Searches all plans. Whether it came to its end, so that what is found is the best.
pub(crate) fn exact(
    search: &Searched<'_>,
    found: &mut Found,
    budget: &mut Budget<'_>,
    steps: u64,
) -> bool {
    let limit = budget.spent().saturating_add(steps);
    let tails = Tails::of(search);
    let mut tree = Tree { search, tails, found, budget, limit };
    let count = search.problem.tasks().len();
    let root = Node {
        modes: vec![None; count],
        starts: vec![Time::ZERO; count],
        free: Free::all_of(search.problem),
        last: None,
        end: Time::ZERO,
        cost: 0.0,
    };
    tree.below(&root)
}

/// What is still to come at least, for each task.
struct Tails {
    /// The least value of its cost.
    cost: Vec<f64>,
    /// What the longest way from its start to the end adds to the least costs of all.
    path: Vec<f64>,
    /// For each resource, the least value of its cost and of what it fills of it.
    filled: Vec<Vec<f64>>,
}

impl Tails {
    fn of(search: &Searched<'_>) -> Self {
        let problem = search.problem;
        let least = |task: usize, worth: &dyn Fn(&Mode) -> f64| {
            let ways = search.ways.of(task).iter().map(|mode| &problem.tasks()[task].modes[*mode]);
            ways.map(worth).fold(f64::INFINITY, f64::min)
        };
        let count = problem.tasks().len();
        let of_cost = |mode: &Mode| search.objective.of_cost(mode.cost);
        let cost: Vec<f64> = (0..count).map(|task| least(task, &of_cost)).collect();
        let mut path = vec![0.0; count];
        for &task in problem.order().iter().rev() {
            let worth = |mode: &Mode| of_cost(mode) + search.objective.of_time(mode.length);
            let behind = problem.followers(task).iter().map(|follower| path[*follower]);
            path[task] = least(task, &worth) - cost[task] + behind.fold(0.0, f64::max);
        }
        let filled = problem.capacity().iter().enumerate().map(|(kind, there)| {
            let worth = |mode: &Mode| {
                let part = mode.needs[kind].get() as f64 / there.get().max(1) as f64;
                of_cost(mode) + part * search.objective.of_time(mode.length)
            };
            (0..count).map(|task| least(task, &worth)).collect()
        });
        let filled = filled.collect();
        Self { cost, path, filled }
    }
}

/// A part of a plan.
#[derive(Clone)]
struct Node {
    modes: Vec<Option<usize>>,
    starts: Vec<Time>,
    free: Free,
    /// The start and the ordinal of what was placed last.
    last: Option<(Time, usize)>,
    end: Time,
    /// The value of what the placed tasks cost.
    cost: f64,
}

struct Tree<'a, 'b, 'c> {
    search: &'a Searched<'a>,
    tails: Tails,
    found: &'b mut Found,
    budget: &'b mut Budget<'c>,
    limit: u64,
}

impl Tree<'_, '_, '_> {
    /// Looks at all that a part of a plan can become; whether it got through.
    fn below(&mut self, node: &Node) -> bool {
        let mut children = Vec::new();
        for task in 0..node.modes.len() {
            if let Some(ready) = self.ready(node, task)
                && !self.place(node, task, ready, &mut children)
            {
                return false;
            }
        }
        if children.is_empty() && node.modes.iter().all(Option::is_some) {
            self.keep(node);
            return true;
        }
        children.sort_by(|a, b| a.0.total_cmp(&b.0));
        for (bound, child) in children {
            if bound >= self.found.value * (1.0 - CLOSE) {
                break;
            }
            if self.budget.spent() >= self.limit || !self.below(&child) {
                return false;
            }
        }
        true
    }

    /// When all that a task waits for has ended, if all of that is placed and the task is not.
    fn ready(&self, node: &Node, task: usize) -> Option<Time> {
        if node.modes[task].is_some() {
            return None;
        }
        let mut ready = Time::ZERO;
        for &before in &self.search.problem.tasks()[task].after {
            ready = ready.max(self.end_of(node, before)?);
        }
        Some(ready)
    }

    fn end_of(&self, node: &Node, task: usize) -> Option<Time> {
        let mode = node.modes[task]?;
        Some(node.starts[task].plus(self.search.problem.tasks()[task].modes[mode].length))
    }

    /// Adds the parts of plans in which a task comes next; whether the budget was enough for that.
    fn place(
        &mut self,
        node: &Node,
        task: usize,
        ready: Time,
        children: &mut Vec<(f64, Node)>,
    ) -> bool {
        for &way in self.search.ways.of(task) {
            let mode = &self.search.problem.tasks()[task].modes[way];
            let start = node.free.earliest(ready, mode);
            // Others come to it by placing this one before.
            if node.last.is_some_and(|last| (start, task) < last) {
                continue;
            }
            if !self.budget.take(1) {
                return false;
            }
            let mut child = node.clone();
            child.modes[task] = Some(way);
            child.starts[task] = start;
            child.free.take(start, mode);
            child.last = Some((start, task));
            child.end = node.end.max(start.plus(mode.length));
            child.cost += self.search.objective.of_cost(mode.cost);
            let bound = self.bound(&child, start);
            if bound < self.found.value * (1.0 - CLOSE) {
                children.push((bound, child));
            }
        }
        true
    }

    /// What a part of a plan comes to at least; nothing more starts before `now`.
    fn bound(&self, node: &Node, now: Time) -> f64 {
        let (objective, problem) = (self.search.objective, self.search.problem);
        let open = || (0..node.modes.len()).filter(|task| node.modes[*task].is_none());
        let cost = node.cost + open().map(|task| self.tails.cost[task]).sum::<f64>();
        let ways = open().filter_map(|task| {
            let ready = self.ready(node, task)?;
            Some(objective.of_time(ready.max(now)) + self.tails.path[task])
        });
        let path = cost + ways.fold(objective.of_time(node.end), f64::max);
        let mut bound = path;
        for (kind, there) in problem.capacity().iter().enumerate() {
            let held = self.held_from(node, now, kind) / there.get().max(1) as f64;
            let rest = open().map(|task| self.tails.filled[kind][task]).sum::<f64>();
            let begun = objective.of_time(now) + held * objective.of_time(Time::of(1));
            bound = bound.max(node.cost + begun + rest);
        }
        bound
    }

    /// What placed tasks hold of a resource from an instant on, in parts times milliseconds.
    fn held_from(&self, node: &Node, now: Time, kind: usize) -> f64 {
        let placed =
            node.modes.iter().enumerate().filter_map(|(task, mode)| Some((task, (*mode)?)));
        let held = placed.map(|(task, mode)| {
            let mode = &self.search.problem.tasks()[task].modes[mode];
            let end = node.starts[task].plus(mode.length);
            let from = node.starts[task].max(now);
            end.get().saturating_sub(from.get()) as f64 * mode.needs[kind].get() as f64
        });
        held.sum()
    }

    fn keep(&mut self, node: &Node) {
        let modes: Vec<usize> = node.modes.iter().map(|mode| mode.unwrap_or_default()).collect();
        let value = self.search.objective.of(node.end, self.search.problem.cost(&modes));
        if value < self.found.value * (1.0 - CLOSE / 2.0) {
            let schedule = Schedule { modes, starts: node.starts.clone() };
            *self.found = Found { schedule, value };
        }
    }
}
