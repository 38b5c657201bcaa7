//! The way from one placement to another: executors that move, in stages that never overload a node.
//!
//! A worker is one set of executors for life, so executors move in *units*: the workers that end and
//! those that start because of them, as one. In a stage new workers start beside the old ones, which
//! end with it. So while a stage runs its nodes carry both, and a unit joins a stage only if that is
//! not too much. Where units only fit in each other's place, one of them is stopped before it starts
//! anew.

use std::collections::{BTreeMap, BTreeSet};

use crate::problem::{Placement, Problem, SlotId};
use crate::units::Load;

/// One executor's way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Move {
    /// Ordinal of the topology.
    pub topology: u32,
    /// Ordinal of the executor within it.
    pub executor: u32,
    /// Where it runs; nothing if it runs nowhere.
    pub from: Option<SlotId>,
    /// Where it is to run.
    pub to: SlotId,
}

/// Moves that are made together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stage {
    /// The executors that move.
    pub moves: Vec<Move>,
    /// Whether the old workers have to end before the new ones start: there is no room for both.
    pub stops_first: bool,
    /// What it takes.
    pub cost: Cost,
}

/// What a stage takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cost {
    /// Present workers that end or start anew.
    pub workers_restarted: u32,
    /// Memory of the executors that move, in MiB: a bound of the state that moves with them.
    pub memory_moved: u64,
}

/// The way between two placements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    stages: Vec<Stage>,
}

impl Migration {
    /// Plans the way between two placements. No node is loaded above `limit` on it, unless it is
    /// already.
    pub fn plan(problem: &Problem, from: &Placement, to: &Placement, limit: Load) -> Self {
        Self { stages: Planner::new(problem, from, limit).stages(units(problem, from, to)) }
    }

    /// Every stage, in order.
    pub fn stages(&self) -> &[Stage] {
        &self.stages
    }
}

/// Moves that can only be made together.
#[derive(Default)]
struct Unit {
    moves: Vec<Move>,
}

/// Executors that share a worker before or after belong together.
fn units(problem: &Problem, from: &Placement, to: &Placement) -> Vec<Unit> {
    let mut units = Vec::new();
    for (topology, (before, after)) in from.0.iter().zip(&to.0).enumerate() {
        let mut sets: BTreeMap<(bool, SlotId), Vec<usize>> = BTreeMap::new();
        let both = || before.iter().zip(after).enumerate();
        let changed: BTreeSet<SlotId> = both()
            .filter(|(_, (b, a))| a != b)
            .flat_map(|(_, (b, a))| [*b, *a])
            .flatten()
            .collect();
        for (executor, (before, after)) in both() {
            for (new, slot) in [(false, *before), (true, *after)] {
                if let Some(slot) = slot.filter(|slot| changed.contains(slot)) {
                    sets.entry((new, slot)).or_default().push(executor);
                }
            }
        }
        let mut group: Vec<usize> = (0..problem.topologies[topology].executors.len()).collect();
        for members in sets.values() {
            for &member in &members[1..] {
                let (a, b) = (root(&mut group, members[0]), root(&mut group, member));
                group[a.max(b)] = a.min(b);
            }
        }
        let mut of: BTreeMap<usize, Unit> = BTreeMap::new();
        for (executor, (before, after)) in both().filter(|(_, (b, a))| a != b) {
            let Some(to) = *after else { continue };
            let group = root(&mut group, executor);
            let found =
                Move { topology: topology as u32, executor: executor as u32, from: *before, to };
            of.entry(group).or_default().moves.push(found);
        }
        units.extend(of.into_values());
    }
    units
}

fn root(group: &mut [usize], mut at: usize) -> usize {
    while group[at] != at {
        group[at] = group[group[at]];
        at = group[at];
    }
    at
}

/// What nodes carry on the way.
struct Planner<'a> {
    problem: &'a Problem,
    limit: Load,
    /// Executors of every slot in use.
    slots: BTreeMap<SlotId, u32>,
    compute: Vec<i64>,
    memory: Vec<i64>,
}

impl<'a> Planner<'a> {
    fn new(problem: &'a Problem, from: &Placement, limit: Load) -> Self {
        let nodes = problem.nodes.len();
        let compute = problem.nodes.iter().map(|node| node.base.wide()).collect();
        let mut planner =
            Self { problem, limit, slots: BTreeMap::new(), compute, memory: vec![0; nodes] };
        for (topology, slots) in from.0.iter().enumerate() {
            for (executor, slot) in slots.iter().enumerate() {
                if let Some(slot) = slot {
                    planner.put(topology, executor, *slot, 1);
                }
            }
        }
        planner
    }

    fn put(&mut self, topology: usize, executor: usize, slot: SlotId, by: i64) {
        let topology = &self.problem.topologies[topology];
        let component = &topology.components[topology.executors[executor] as usize];
        self.compute[slot.node as usize] += by * component.compute.wide();
        self.memory[slot.node as usize] += by * (component.heap.wide() + component.off_heap.wide());
        let left = self.slots.entry(slot).or_default();
        *left = (i64::from(*left) + by) as u32;
        if *left == 0 {
            self.slots.remove(&slot);
        }
    }

    fn arrive(&mut self, unit: &Unit, by: i64) {
        for step in &unit.moves {
            self.put(step.topology as usize, step.executor as usize, step.to, by);
        }
    }

    fn leave(&mut self, unit: &Unit, by: i64) {
        for step in &unit.moves {
            if let Some(from) = step.from {
                self.put(step.topology as usize, step.executor as usize, from, -by);
            }
        }
    }

    /// Whether the new workers of a unit can start beside all that runs.
    fn has_room(&mut self, unit: &Unit) -> bool {
        let fresh = unit.moves.iter().all(|step| !self.slots.contains_key(&step.to));
        let nodes: BTreeSet<u32> = unit.moves.iter().map(|step| step.to.node).collect();
        let before: BTreeMap<u32, Load> =
            nodes.iter().map(|&node| (node, self.load(node))).collect();
        self.arrive(unit, 1);
        let fits = nodes.iter().all(|&node| {
            let memory = self.problem.nodes[node as usize].memory;
            self.load(node) <= self.limit.max(before[&node])
                && memory.is_none_or(|memory| self.memory[node as usize] <= memory.wide())
        });
        self.arrive(unit, -1);
        fresh && fits
    }

    fn load(&self, node: u32) -> Load {
        Load::of(self.compute[node as usize], self.problem.nodes[node as usize].compute.wide())
    }

    fn stages(mut self, mut units: Vec<Unit>) -> Vec<Stage> {
        let mut stages = Vec::new();
        while !units.is_empty() {
            let (mut together, mut later) = (Vec::new(), Vec::new());
            for unit in units {
                if self.has_room(&unit) {
                    self.arrive(&unit, 1);
                    together.push(unit);
                } else {
                    later.push(unit);
                }
            }
            for unit in &together {
                self.leave(unit, 1);
            }
            let stops_first = together.is_empty();
            if stops_first {
                // The smallest makes the least outage, and leaves room for others.
                later.sort_by_key(|unit| unit.moves.len());
                let unit = later.remove(self.first_that_fits_stopped(&later));
                self.leave(&unit, 1);
                self.arrive(&unit, 1);
                together.push(unit);
            }
            stages.push(self.stage(together, stops_first));
            units = later;
        }
        stages
    }

    /// The first unit that finds room once it has left; the first of all if none does.
    fn first_that_fits_stopped(&mut self, units: &[Unit]) -> usize {
        let fits = |unit: &Unit| {
            self.leave(unit, 1);
            let fits = self.has_room(unit);
            self.leave(unit, -1);
            fits
        };
        units.iter().position(fits).unwrap_or(0)
    }

    fn stage(&self, units: Vec<Unit>, stops_first: bool) -> Stage {
        let moves: Vec<Move> = units.into_iter().flat_map(|unit| unit.moves).collect();
        let left: BTreeSet<(u32, SlotId)> =
            moves.iter().filter_map(|step| Some((step.topology, step.from?))).collect();
        let memory = |step: &Move| {
            let topology = &self.problem.topologies[step.topology as usize];
            let component =
                &topology.components[topology.executors[step.executor as usize] as usize];
            u64::from(component.heap.get()) + u64::from(component.off_heap.get())
        };
        let running = moves.iter().filter(|step| step.from.is_some());
        let cost =
            Cost { workers_restarted: left.len() as u32, memory_moved: running.map(memory).sum() };
        Stage { moves, stops_first, cost }
    }
}
