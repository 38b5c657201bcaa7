//! Phase 2: a node for each work executor.

use std::collections::BTreeMap;

use super::problem::{Problem, Role};
use super::slots::Room;
use crate::model::SlotRef;

/// A move must lower the worse of the two nodes it touches by more than this many thousandths, or
/// rounding would move executors for ever.
const WORTHWHILE_THOUSANDTHS: u64 = 5;
/// Moves tried from one start; each lowers the worst node, so few are ever needed.
const MOST_MOVES: usize = 4096;
/// Starting from where executors are is preferred to a fresh start up to this percentage of the
/// fresh start's worst load.
const LOYALTY_PERCENT: u64 = 102;

/// The node of each work executor, by executor index.
pub(super) fn assign(
    problem: &Problem,
    room: &Room,
    placed: &[Option<SlotRef>],
) -> BTreeMap<usize, usize> {
    let open: Vec<usize> = (0..problem.nodes.len()).filter(|&node| room.left(node) > 0).collect();
    let work: Vec<usize> = problem.of_role(Role::Work).filter(|&e| placed[e].is_none()).collect();
    let mut loyal = Draft::new(problem, &open);
    for &executor in &work {
        let place = &problem.executors[executor];
        let present = place.current.map(|slot| slot.node).or(place.near).map(|node| node as usize);
        if let Some(node) = present.filter(|&node| room.left(node) > 0) {
            loyal.put(executor, node);
        }
    }
    loyal.add_rest(&work);
    loyal.improve();
    let mut fresh = Draft::new(problem, &open);
    fresh.add_rest(&work);
    fresh.improve();
    if loyal.worst() * 100 <= fresh.worst() * LOYALTY_PERCENT {
        loyal.node_of
    } else {
        fresh.node_of
    }
}

/// A placement of work executors on nodes that is being made.
struct Draft<'a> {
    problem: &'a Problem,
    open: &'a [usize],
    node_of: BTreeMap<usize, usize>,
    demand: Vec<u64>,
    /// Executors per (node, component), for spreading.
    siblings: BTreeMap<(usize, u32), u32>,
}

impl<'a> Draft<'a> {
    fn new(problem: &'a Problem, open: &'a [usize]) -> Self {
        let demand = problem.nodes.iter().map(|node| node.base_load).collect();
        Self { problem, open, node_of: BTreeMap::new(), demand, siblings: BTreeMap::new() }
    }

    fn put(&mut self, executor: usize, node: usize) {
        self.take(executor);
        let place = self.problem.executors[executor];
        self.node_of.insert(executor, node);
        self.demand[node] += place.demand;
        *self.siblings.entry((node, place.component)).or_default() += 1;
    }

    fn take(&mut self, executor: usize) {
        let place = self.problem.executors[executor];
        if let Some(node) = self.node_of.remove(&executor) {
            self.demand[node] -= place.demand;
            *self.siblings.entry((node, place.component)).or_insert(1) -= 1;
        }
    }

    fn load(&self, node: usize) -> u64 {
        self.problem.nodes[node].load(self.demand[node])
    }

    fn load_with(&self, node: usize, demand: u64) -> u64 {
        self.problem.nodes[node].load(self.demand[node] + demand)
    }

    fn worst(&self) -> u64 {
        self.open.iter().map(|&node| self.load(node)).max().unwrap_or(0)
    }

    /// Adds the executors that have no node yet, longest first, each where the load stays smallest;
    /// among equals where it has the fewest siblings.
    fn add_rest(&mut self, work: &[usize]) {
        let mut rest: Vec<usize> =
            work.iter().copied().filter(|e| !self.node_of.contains_key(e)).collect();
        rest.sort_by_key(|&e| (std::cmp::Reverse(self.problem.executors[e].demand), e));
        for executor in rest {
            let place = self.problem.executors[executor];
            let best = self.open.iter().copied().min_by_key(|&node| {
                let siblings = self.siblings.get(&(node, place.component)).copied().unwrap_or(0);
                (self.load_with(node, place.demand), siblings, node)
            });
            if let Some(node) = best {
                self.put(executor, node);
            }
        }
    }

    /// Moves single executors off the worst node as long as that lowers it.
    fn improve(&mut self) {
        for _ in 0..MOST_MOVES {
            let Some((executor, node)) = self.best_move() else {
                return;
            };
            self.put(executor, node);
        }
    }

    fn best_move(&self) -> Option<(usize, usize)> {
        let from =
            self.open.iter().copied().max_by_key(|&n| (self.load(n), std::cmp::Reverse(n)))?;
        let worst = self.load(from);
        let limit = worst - worst * WORTHWHILE_THOUSANDTHS / 1000;
        let mut kinds: BTreeMap<(u32, u64), usize> = BTreeMap::new();
        for (&executor, &node) in &self.node_of {
            let place = self.problem.executors[executor];
            if node == from && place.demand > 0 {
                kinds.entry((place.component, place.demand)).or_insert(executor);
            }
        }
        let candidates = kinds.into_iter().flat_map(|((component, demand), executor)| {
            let left = self.problem.nodes[from].load(self.demand[from] - demand);
            self.open.iter().copied().filter(move |&to| to != from).map(move |to| {
                let siblings = self.siblings.get(&(to, component)).copied().unwrap_or(0);
                (left.max(self.load_with(to, demand)), siblings, to, executor)
            })
        });
        candidates
            .min()
            .filter(|(after, ..)| *after < limit)
            .map(|(_, _, to, executor)| (executor, to))
    }
}
