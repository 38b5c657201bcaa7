//! Placement where slots are scarce: whatever finds room has it, if need be in a worker with everything else.
//!
//! The placement of whole clusters does it, for one topology: its pinned executors may share workers with its work.

use std::collections::{BTreeMap, BTreeSet};

use thalweg_place::{
    Budget, Lack, Load, Mebibytes, MilliPoints, Node, Placement, SlotId, Topology,
};

use super::problem::{PlaceNode, Problem};
use super::solver::{Class, STEPS, apart, carrier, class, component, edges, limited, millipoints};
use crate::model::SlotRef;

/// A slot for each executor that has one, and what is missing for the others.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Completed {
    /// By executor.
    pub slots: Vec<Option<SlotRef>>,
    /// Component, how many of its executors have no slot, and what would let the next one in.
    pub lacking: Vec<(u32, u32, Lack)>,
}

/// Places what runs nowhere beside what runs, which stays.
pub(super) fn fill_gaps(problem: &Problem) -> Completed {
    Fitting::of(problem, true).solved()
}

/// Places everything anew, wherever it runs.
pub(super) fn anew(problem: &Problem) -> Completed {
    let mut found = Fitting::of(problem, false).solved();
    name_slots(problem, &mut found.slots);
    found
}

/// The ports of each node that this topology has or may have: those where a new worker can start beside the
/// old ones first.
fn ports(problem: &Problem) -> Vec<Vec<u32>> {
    let of = |(index, node): (usize, &PlaceNode)| {
        let held = |port: u32| problem.held.contains_key(&SlotRef { node: index as u32, port });
        let mut own: Vec<u32> = node.slots.iter().filter(|s| !s.taken).map(|s| s.port).collect();
        own.sort_by_key(|&port| (held(port), port));
        own
    };
    problem.nodes.iter().enumerate().map(of).collect()
}

/// One topology as a problem about a whole cluster.
struct Fitting<'a> {
    of: &'a Problem,
    ports: Vec<Vec<u32>>,
    /// The executors that it is about, by index: all but those that run outside of the known slots.
    executors: Vec<usize>,
    problem: thalweg_place::Problem,
    previous: Placement,
    /// The component of each class of executors.
    components: Vec<u32>,
}

impl<'a> Fitting<'a> {
    fn of(of: &'a Problem, stays: bool) -> Self {
        let ports = ports(of);
        let ordinals: BTreeMap<SlotRef, u32> = (0u32..)
            .zip(&ports)
            .flat_map(|(node, ports)| {
                ports.iter().zip(0..).map(move |(&port, slot)| (SlotRef { node, port }, slot))
            })
            .collect();
        let mut nodes: Vec<Node> =
            of.nodes.iter().zip(&ports).map(|(n, p)| carried(n, p)).collect();
        let (mut executors, mut previous) = (Vec::new(), Vec::new());
        let mut classes: BTreeMap<Class, u32> = BTreeMap::new();
        let (mut class_of, mut components, mut demands) = (Vec::new(), Vec::new(), Vec::new());
        for (index, executor) in of.executors.iter().enumerate() {
            let current = executor.current.filter(|_| stays);
            let known = current
                .and_then(|slot| Some(SlotId { node: slot.node, slot: *ordinals.get(&slot)? }));
            if let (Some(slot), None) = (current, known) {
                // It runs where nothing is known of: it only takes what its node has.
                if let Some(node) = nodes.get_mut(slot.node as usize) {
                    take(node, executor.demand, executor.memory_mib());
                }
                continue;
            }
            let next = classes.len() as u32;
            class_of.push(*classes.entry(class(executor, None)).or_insert_with(|| {
                demands.push(limited(component(executor, None), of, executor.component));
                components.push(executor.component);
                next
            }));
            executors.push(index);
            previous.push(known);
        }
        let topology = Topology {
            edges: edges(of, &classes, &class_of),
            apart: apart(of, &classes),
            components: demands,
            executors: class_of,
            heap_limit: of.heap_limit_mib.map(Mebibytes::new),
            most_workers: of.most_workers,
            comfort: Load::ZERO,
            ..Topology::default()
        };
        let problem = thalweg_place::Problem { nodes, topologies: vec![topology] };
        Self { of, ports, executors, problem, previous: Placement(vec![previous]), components }
    }

    /// Memory that nobody declared is no reason to refuse anything.
    fn solved(mut self) -> Completed {
        let mut placed = self.solve();
        if !placed.shortages.is_empty() && !self.of.memory_declared {
            for node in &mut self.problem.nodes {
                node.memory = None;
            }
            placed = self.solve();
        }
        let mut slots: Vec<Option<SlotRef>> = self.of.executors.iter().map(|e| e.current).collect();
        for (&executor, slot) in self.executors.iter().zip(&placed.placement.0[0]) {
            slots[executor] = slot.and_then(|slot| self.named(slot));
        }
        let mut lacking: BTreeMap<u32, (u32, Lack)> = BTreeMap::new();
        for short in &placed.shortages {
            let component = self.components[short.component as usize];
            lacking.entry(component).or_insert((0, short.lack)).0 += short.executors;
        }
        let lacking =
            lacking.into_iter().map(|(component, (count, lack))| (component, count, lack));
        Completed { slots, lacking: lacking.collect() }
    }

    fn solve(&self) -> thalweg_place::Placed {
        thalweg_place::place(&self.problem, &self.previous, &mut Budget::steps(STEPS))
    }

    fn named(&self, slot: SlotId) -> Option<SlotRef> {
        let port = *self.ports.get(slot.node as usize)?.get(slot.slot as usize)?;
        Some(SlotRef { node: slot.node, port })
    }
}

/// A node with the slots that are the topology's or free.
fn carried(node: &PlaceNode, ports: &[u32]) -> Node {
    Node { slots: ports.len() as u32, open: node.usable, rack: node.rack, ..carrier(node) }
}

/// Takes what an executor needs from what a node has.
fn take(node: &mut Node, demand: u64, mib: u32) {
    let used = node.base.get().saturating_add(millipoints(demand).get());
    node.base = MilliPoints::new(used);
    node.memory = node.memory.map(|memory| Mebibytes::new(memory.get().saturating_sub(mib)));
}

/// Gives each worker whose executors are those of a present one that one's slot.
fn name_slots(problem: &Problem, slots: &mut [Option<SlotRef>]) {
    let sets = |slots: &[Option<SlotRef>]| -> BTreeMap<SlotRef, Vec<usize>> {
        let mut sets: BTreeMap<SlotRef, Vec<usize>> = BTreeMap::new();
        for (executor, slot) in slots.iter().enumerate() {
            if let Some(slot) = slot {
                sets.entry(*slot).or_default().push(executor);
            }
        }
        sets
    };
    let current: Vec<Option<SlotRef>> = problem.executors.iter().map(|e| e.current).collect();
    let is_whole =
        |slot: &SlotRef, set: &Vec<usize>| problem.held.get(slot) == Some(&(set.len() as u32));
    let present: BTreeMap<(u32, Vec<usize>), SlotRef> = sets(&current)
        .into_iter()
        .filter(|(slot, set)| is_whole(slot, set))
        .map(|(slot, set)| ((slot.node, set), slot))
        .collect();
    let desired = sets(slots);
    let stays = |slot: &SlotRef, set: &Vec<usize>| present.get(&(slot.node, set.clone())).copied();
    let kept: BTreeSet<SlotRef> =
        desired.iter().filter_map(|(slot, set)| stays(slot, set)).collect();
    let mut free = ports(problem);
    for (node, ports) in (0u32..).zip(&mut free) {
        ports.retain(|&port| !kept.contains(&SlotRef { node, port }));
        ports.reverse();
    }
    for (slot, set) in &desired {
        let fresh = || Some(SlotRef { port: free[slot.node as usize].pop()?, ..*slot });
        let named = stays(slot, set).or_else(fresh);
        for &executor in set {
            slots[executor] = named;
        }
    }
}
