//! Phase 2: a node for each work executor.

use std::collections::{BTreeMap, BTreeSet};

use super::problem::{Problem, Role};
use super::slots::{Room, is_whole};
use crate::model::SlotRef;

/// A move must lower the worse of the two nodes it touches by more than this many thousandths, or
/// rounding would move executors for ever.
const WORTHWHILE_THOUSANDTHS: u64 = 5;
/// Moves tried from one start; each lowers the worst node, so few are ever needed.
const MOST_MOVES: usize = 4096;
/// Starting from where executors are is preferred to a fresh start up to this percentage of the
/// fresh start's worst load: less is not worth the restart of workers.
pub(super) const LOYALTY_PERCENT: u64 = 110;

/// The node of each work executor, by executor index.
///
/// Of several drafts the first one wins that is nearly as good as a fresh start: what is there,
/// changed only by whole workers; what is there, changed executor by executor; the fresh start.
pub(super) fn assign(
    problem: &Problem,
    room: &Room,
    placed: &[Option<SlotRef>],
) -> BTreeMap<usize, usize> {
    let open: Vec<usize> = (0..problem.nodes.len()).filter(|&node| room.left(node) > 0).collect();
    let work: Vec<usize> = problem.of_role(Role::Work).filter(|&e| placed[e].is_none()).collect();
    let start = Draft::new(problem, &open, placed);
    let mut fresh = start.clone();
    fresh.add_rest(&work);
    fresh.improve();
    let enough = fresh.worst() * LOYALTY_PERCENT / 100;
    let mut drafts =
        [by_workers, by_executors].into_iter().map(|draft| draft(&start, room, &work, enough));
    let loyal = drafts.find(|draft| draft.worst() <= enough);
    loyal.unwrap_or(fresh).node_of
}

/// Starts from where work is and changes whole workers only.
///
/// A worker is one set of executors for life. So that a new one can run beside the one it replaces,
/// no executor may be in two workers of one node: a worker stays, or all it runs leaves the node.
fn by_workers<'a>(start: &Draft<'a>, room: &Room, work: &[usize], enough: u64) -> Draft<'a> {
    let mut draft = start.clone();
    let problem = draft.problem;
    // Where sources or the like share a worker with work, there is no running on beside it.
    let shared: BTreeSet<SlotRef> =
        problem.of_role(Role::Anchor).filter_map(|e| problem.executors[e].current).collect();
    for (slot, executors) in workers(problem, work) {
        let node = slot.node as usize;
        if is_whole(problem, slot, executors.len()) && room.left(node) > 0 {
            executors.iter().for_each(|&executor| draft.put(executor, node));
            draft.kept.insert(slot, executors);
        } else if !shared.contains(&slot) {
            draft.barred.extend(executors.iter().map(|&executor| (executor, node)));
        }
    }
    draft.add_rest(work);
    if draft.worst() > enough {
        draft.improve();
        while let Some(better) = draft.without_one_worker() {
            draft = better;
        }
    }
    draft
}

/// Starts from where work is and moves single executors.
fn by_executors<'a>(start: &Draft<'a>, room: &Room, work: &[usize], enough: u64) -> Draft<'a> {
    let mut draft = start.clone();
    for &executor in work {
        let place = &draft.problem.executors[executor];
        let present = place.current.map(|slot| slot.node).or(place.near).map(|node| node as usize);
        if let Some(node) = present.filter(|&node| room.left(node) > 0) {
            draft.put(executor, node);
        }
    }
    draft.add_rest(work);
    if draft.worst() > enough {
        draft.improve();
    }
    draft
}

/// The work executors of each present worker.
fn workers(problem: &Problem, work: &[usize]) -> BTreeMap<SlotRef, Vec<usize>> {
    let mut workers: BTreeMap<SlotRef, Vec<usize>> = BTreeMap::new();
    for &executor in work {
        if let Some(slot) = problem.executors[executor].current {
            workers.entry(slot).or_default().push(executor);
        }
    }
    workers
}

/// A placement of work executors on nodes that is being made.
#[derive(Clone)]
struct Draft<'a> {
    problem: &'a Problem,
    open: &'a [usize],
    node_of: BTreeMap<usize, usize>,
    on_node: Vec<BTreeSet<usize>>,
    demand: Vec<u64>,
    /// Executors per (node, component), for spreading.
    siblings: BTreeMap<(usize, u32), u32>,
    /// Present workers that stay as they are; their executors are not moved one by one.
    kept: BTreeMap<SlotRef, Vec<usize>>,
    /// Executors that must not be put on this node.
    barred: BTreeMap<usize, usize>,
}

impl<'a> Draft<'a> {
    /// Begins with what is placed already.
    fn new(problem: &'a Problem, open: &'a [usize], placed: &[Option<SlotRef>]) -> Self {
        let mut demand: Vec<u64> = problem.nodes.iter().map(|node| node.base_load).collect();
        for (executor, slot) in problem.executors.iter().zip(placed) {
            if let Some(slot) = slot {
                demand[slot.node as usize] += executor.demand;
            }
        }
        Self {
            problem,
            open,
            node_of: BTreeMap::new(),
            on_node: vec![BTreeSet::new(); problem.nodes.len()],
            demand,
            siblings: BTreeMap::new(),
            kept: BTreeMap::new(),
            barred: BTreeMap::new(),
        }
    }

    /// Whether an executor may be put on a node; where there is only one, there is no choice.
    fn allows(&self, executor: usize, node: usize) -> bool {
        self.open.len() == 1 || self.barred.get(&executor) != Some(&node)
    }

    fn put(&mut self, executor: usize, node: usize) {
        self.take(executor);
        let place = self.problem.executors[executor];
        self.node_of.insert(executor, node);
        self.on_node[node].insert(executor);
        self.demand[node] += place.demand;
        *self.siblings.entry((node, place.component)).or_default() += 1;
    }

    fn take(&mut self, executor: usize) {
        let place = self.problem.executors[executor];
        if let Some(node) = self.node_of.remove(&executor) {
            self.on_node[node].remove(&executor);
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

    fn worst_node(&self) -> Option<usize> {
        self.open.iter().copied().max_by_key(|&n| (self.load(n), std::cmp::Reverse(n)))
    }

    /// Adds the executors that have no node yet, longest first, each where the load stays smallest;
    /// among equals where it has the fewest siblings.
    fn add_rest(&mut self, work: &[usize]) {
        let mut rest: Vec<usize> =
            work.iter().copied().filter(|e| !self.node_of.contains_key(e)).collect();
        rest.sort_by_key(|&e| (std::cmp::Reverse(self.problem.executors[e].demand), e));
        for executor in rest {
            let place = self.problem.executors[executor];
            let allowed = self.open.iter().copied().filter(|&node| self.allows(executor, node));
            let best = allowed.min_by_key(|&node| {
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
        let from = self.worst_node()?;
        let worst = self.load(from);
        let limit = worst - worst * WORTHWHILE_THOUSANDTHS / 1000;
        let here = self.kept.iter().filter(|(slot, _)| slot.node as usize == from);
        let bound: BTreeSet<usize> = here.flat_map(|(_, executors)| executors).copied().collect();
        let mut kinds: BTreeMap<(u32, u64, Option<usize>), usize> = BTreeMap::new();
        for &executor in &self.on_node[from] {
            let place = self.problem.executors[executor];
            if place.demand > 0 && !bound.contains(&executor) {
                let barred = self.barred.get(&executor).copied();
                kinds.entry((place.component, place.demand, barred)).or_insert(executor);
            }
        }
        let candidates = kinds.into_iter().flat_map(|((component, demand, _), executor)| {
            let left = self.problem.nodes[from].load(self.demand[from] - demand);
            let to = move |&to: &usize| to != from && self.allows(executor, to);
            self.open.iter().copied().filter(to).map(move |to| {
                let siblings = self.siblings.get(&(to, component)).copied().unwrap_or(0);
                (left.max(self.load_with(to, demand)), siblings, to, executor)
            })
        });
        candidates
            .min()
            .filter(|(after, ..)| *after < limit)
            .map(|(_, _, to, executor)| (executor, to))
    }

    /// The best draft that lacks one worker of the worst node, if that lowers the worst load.
    fn without_one_worker(&self) -> Option<Self> {
        let from = self.worst_node()?;
        let limit = self.load(from) - self.load(from) * WORTHWHILE_THOUSANDTHS / 1000;
        let here = self.kept.keys().copied().filter(|slot| slot.node as usize == from);
        let drafts = here.map(|slot| {
            let mut draft = self.clone();
            let executors = draft.kept.remove(&slot).unwrap_or_default();
            for &executor in &executors {
                draft.take(executor);
                draft.barred.insert(executor, from);
            }
            draft.add_rest(&executors);
            draft.improve();
            draft
        });
        drafts.min_by_key(Self::worst).filter(|draft| draft.worst() < limit)
    }
}
