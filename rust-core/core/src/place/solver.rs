//! One topology as a problem of `thalweg_place`, and the answer's way back.
//!
//! There executors of a component are alike. Here they differ by their number of tasks and by a node
//! that they must leave, so each such class is a component of its own.

use std::collections::BTreeMap;

use thalweg_place::{
    Budget, Component, Edge, Load, Mebibytes, MilliPoints, Node, Placement, SlotId, Topology,
    Traffic,
};

use super::problem::{PlaceExecutor, PlaceNode, Problem, Role, Shortage};
use super::rules::Rules;
use super::slots::Room;
use crate::model::SlotRef;

/// Millionths of an executor's time in a thousandth of a point: an executor that is always busy takes
/// 100 points, a core.
const MICROS_PER_MILLIPOINT: u64 = 10;
/// What the edge with most traffic counts as.
const MOST_TRAFFIC: u128 = 1_000_000;
/// Steps of improvement for one candidate; several are made for a decision.
pub(super) const STEPS: u64 = 2_000;

/// Executors that nothing distinguishes: component, demand, heap, other memory, node to leave.
pub(super) type Class = (u32, u64, u32, u32, Option<usize>);

/// A problem about the work executors of one topology; pinned executors and workers that stay run in it.
pub(super) struct SolverCall<'a> {
    of: &'a Problem,
    problem: thalweg_place::Problem,
    previous: Placement,
}

impl<'a> SolverCall<'a> {
    pub fn of(of: &'a Problem, room: &'a Room, placed: &[Option<SlotRef>], rules: &Rules) -> Self {
        // With one node there is no choice.
        let open = (0..of.nodes.len()).filter(|&node| room.left(node) > 0).count();
        let barred = |executor: usize| rules.barred.get(&executor).copied().filter(|_| open > 1);
        let mut classes: BTreeMap<Class, u32> = BTreeMap::new();
        let mut components = Vec::new();
        let mut executors = Vec::with_capacity(of.executors.len());
        for (index, executor) in of.executors.iter().enumerate() {
            let leaves = barred(index);
            let next = classes.len() as u32;
            let class = *classes.entry(class(executor, leaves)).or_insert_with(|| {
                let component = component(executor, leaves);
                components.push(limited(component, of, executor.component));
                next
            });
            executors.push(class);
        }
        let kept =
            rules.kept.iter().flat_map(|(slot, executors)| executors.iter().map(|e| (*e, *slot)));
        let pinned = placed.iter().enumerate().filter_map(|(e, slot)| Some((e, (*slot)?)));
        let mut running = Running::default();
        let mut previous = vec![None; of.executors.len()];
        for (executor, slot) in pinned {
            previous[executor] = Some(running.slot(slot));
        }
        let held = running.clone();
        for (executor, slot) in kept {
            previous[executor] = Some(running.slot(slot));
        }
        let nodes = of.nodes.iter().enumerate().map(|(index, node)| Node {
            slots: held.on(index) + room.left(index) as u32,
            open: if rules.beside { room.fresh(index) } else { room.left(index) } > 0,
            // Nodes that only differ by a rack nobody asks for are alike.
            rack: if of.most_per_rack.is_empty() { 0 } else { node.rack },
            ..carrier(node)
        });
        let topology = Topology {
            edges: edges(of, &classes, &executors),
            apart: apart(of, &classes),
            components,
            executors,
            heap_limit: of.heap_limit_mib.map(Mebibytes::new),
            worker_compute: MilliPoints::ZERO,
            most_workers: of.most_workers,
            sealed: of.most_workers.is_some(),
            comfort: Load::ZERO,
        };
        let problem = thalweg_place::Problem { nodes: nodes.collect(), topologies: vec![topology] };
        Self { of, problem, previous: Placement(vec![previous]) }
    }

    /// The node of each work executor.
    ///
    /// # Errors
    /// When one finds no slot. Memory that nobody declared is no reason for that.
    pub fn answer(mut self) -> Result<BTreeMap<usize, usize>, Shortage> {
        let mut solved = self.solve();
        if !solved.shortages.is_empty() && !self.of.memory_declared {
            for node in &mut self.problem.nodes {
                node.memory = None;
            }
            solved = self.solve();
        }
        if let Some(short) = solved.shortages.first() {
            let executors = solved.shortages.iter().map(|short| short.executors).sum();
            return Err(Shortage::Resources { executors, lack: short.lack });
        }
        Ok(self.nearest(&solved.placement.0[0]))
    }

    fn solve(&self) -> thalweg_place::Placed {
        thalweg_place::place(&self.problem, &self.previous, &mut Budget::steps(STEPS))
    }

    /// Deals the places of each class out so that executors stay on their node where one is there.
    fn nearest(&self, slots: &[Option<SlotId>]) -> BTreeMap<usize, usize> {
        let mut places: BTreeMap<(u32, usize), u32> = BTreeMap::new();
        let of_class = &self.problem.topologies[0].executors;
        let work: Vec<usize> =
            self.of.of_role(Role::Work).filter(|&executor| slots[executor].is_some()).collect();
        for &executor in &work {
            let node = slots[executor].map_or(0, |slot| slot.node as usize);
            *places.entry((of_class[executor], node)).or_default() += 1;
        }
        let mut node_of = BTreeMap::new();
        let mut take =
            |executor: usize, node: usize| match places.get_mut(&(of_class[executor], node)) {
                Some(left) if *left > 0 => {
                    *left -= 1;
                    node_of.insert(executor, node);
                    true
                }
                _ => false,
            };
        let home = |executor: usize| {
            let place: &PlaceExecutor = &self.of.executors[executor];
            place.current.map(|slot| slot.node).or(place.near).map(|node| node as usize)
        };
        let away: Vec<usize> = work
            .into_iter()
            .filter(|&executor| !home(executor).is_some_and(|node| take(executor, node)))
            .collect();
        for executor in away {
            let class = of_class[executor];
            let mut left = places.range_mut((class, 0)..=(class, usize::MAX));
            if let Some((&(_, node), left)) = left.find(|(_, left)| **left > 0) {
                *left -= 1;
                node_of.insert(executor, node);
            }
            // What is used up is not looked at again.
            while let Some((&place, 0)) =
                places.range((class, 0)..=(class, usize::MAX)).next().map(|(p, left)| (p, *left))
            {
                places.remove(&place);
            }
        }
        node_of
    }
}

/// Ordinals for the slots of workers that run.
#[derive(Clone, Default)]
struct Running {
    slots: BTreeMap<SlotRef, u32>,
    on_node: BTreeMap<u32, u32>,
}

impl Running {
    fn slot(&mut self, slot: SlotRef) -> SlotId {
        let next = self.on_node.entry(slot.node).or_default();
        let ordinal = self.slots.entry(slot).or_insert_with(|| {
            *next += 1;
            *next - 1
        });
        SlotId { node: slot.node, slot: *ordinal }
    }

    fn on(&self, node: usize) -> u32 {
        self.on_node.get(&(node as u32)).copied().unwrap_or(0)
    }
}

pub(super) fn class(executor: &PlaceExecutor, leaves: Option<usize>) -> Class {
    let PlaceExecutor { component, demand, heap_mib, off_heap_mib, .. } = *executor;
    (component, demand, heap_mib, off_heap_mib, leaves)
}

/// A class of executors with the limits that it shares with the others of its component.
pub(super) fn limited(class: Component, of: &Problem, component: u32) -> Component {
    Component {
        most_per_node: of.most_per_node.get(&component).copied(),
        most_per_rack: of.most_per_rack.get(&component).copied(),
        counts_as: Some(component),
        ..class
    }
}

/// What a node can carry, and carries for others.
pub(super) fn carrier(node: &PlaceNode) -> Node {
    Node {
        compute: MilliPoints::new(node.power_milli.saturating_mul(100)),
        memory: node.memory_mib.map(Mebibytes::new),
        base: millipoints(node.base_load),
        ..Node::default()
    }
}

/// What an executor needs.
pub(super) fn component(executor: &PlaceExecutor, leaves: Option<usize>) -> Component {
    Component {
        role: executor.role,
        compute: millipoints(executor.demand),
        heap: Mebibytes::new(executor.heap_mib),
        off_heap: Mebibytes::new(executor.off_heap_mib),
        leaves: leaves.map(|node| node as u32),
        ..Component::default()
    }
}

pub(super) fn millipoints(micros: u64) -> MilliPoints {
    MilliPoints::new(u32::try_from(micros / MICROS_PER_MILLIPOINT).unwrap_or(u32::MAX))
}

/// The pairs of classes that may not share a node.
pub(super) fn apart(of: &Problem, classes: &BTreeMap<Class, u32>) -> Vec<(u32, u32)> {
    let own = |component: u32| classes.iter().filter(move |((c, ..), _)| *c == component);
    let pairs = |&(one, other): &(u32, u32)| {
        own(one).flat_map(move |(_, a)| own(other).map(move |(_, b)| (*a, *b))).collect::<Vec<_>>()
    };
    of.apart.iter().flat_map(pairs).collect()
}

/// The edges between classes: each has the part of its components' traffic that falls to its executors.
pub(super) fn edges(of: &Problem, classes: &BTreeMap<Class, u32>, executors: &[u32]) -> Vec<Edge> {
    let most = of.edges.iter().map(|edge| edge.traffic).max().unwrap_or(0);
    let mut members: BTreeMap<u32, u128> = BTreeMap::new();
    for class in executors {
        *members.entry(*class).or_default() += 1;
    }
    let of_component = |component: u32| -> Vec<(u32, u128)> {
        let own = classes.iter().filter(|((c, ..), _)| *c == component);
        own.map(|(_, class)| (*class, members.get(class).copied().unwrap_or(0))).collect()
    };
    let mut edges = Vec::new();
    for edge in &of.edges {
        let (senders, receivers) = (of_component(edge.from), of_component(edge.to));
        let total = |classes: &[(u32, u128)]| classes.iter().map(|(_, n)| n).sum::<u128>();
        let pairs = total(&senders) * total(&receivers) * u128::from(most);
        if pairs == 0 {
            continue;
        }
        for (from, sending) in &senders {
            for (to, receiving) in &receivers {
                let part = u128::from(edge.traffic) * MOST_TRAFFIC * sending * receiving / pairs;
                let traffic = Traffic::new(u32::try_from(part).unwrap_or(u32::MAX));
                edges.push(Edge { from: *from, to: *to, traffic });
            }
        }
    }
    edges
}
