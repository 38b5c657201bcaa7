//! Small problems, and what every placement must keep.

#![allow(dead_code)]

use std::collections::{BTreeMap, BTreeSet};

use thalweg_place::{
    Budget, Component, Edge, Load, Mebibytes, MilliPoints, Node, Placed, Placement, Problem,
    SlotId, Topology, Traffic, place,
};

/// A node of so many points and MiB with four slots.
pub fn node(points: u32, memory: u32) -> Node {
    Node {
        compute: MilliPoints::new(points * 1000),
        memory: Some(Mebibytes::new(memory)),
        slots: 4,
        open: true,
        ..Node::default()
    }
}

/// A component: executors, points and MiB of each.
pub type Wanted = (u32, u32, u32);

/// A topology of these components, with edges of equal traffic.
pub fn topology(components: &[Wanted], edges: &[(u32, u32)]) -> Topology {
    Topology {
        components: components
            .iter()
            .map(|&(_, points, memory)| Component {
                compute: MilliPoints::new(points * 1000),
                heap: Mebibytes::new(memory),
                ..Component::default()
            })
            .collect(),
        edges: edges
            .iter()
            .map(|&(from, to)| Edge { from, to, traffic: Traffic::new(1000) })
            .collect(),
        executors: components
            .iter()
            .zip(0..)
            .flat_map(|(&(executors, ..), component)| {
                std::iter::repeat_n(component, executors as usize)
            })
            .collect(),
        comfort: Load::FULL,
        ..Topology::default()
    }
}

pub fn problem(nodes: Vec<Node>, topologies: Vec<Topology>) -> Problem {
    Problem { nodes, topologies }
}

pub const STEPS: u64 = 2_000_000;

/// Places from nothing.
pub fn placed(problem: &Problem) -> Placed {
    place(problem, &Placement::empty(problem), &mut Budget::steps(STEPS))
}

/// The load of every node.
pub fn loads(problem: &Problem, placement: &Placement) -> Vec<f64> {
    let mut compute: Vec<u64> = problem.nodes.iter().map(|n| u64::from(n.base.get())).collect();
    for (component, slot) in running(problem, placement) {
        compute[slot.node as usize] += u64::from(component.compute.get());
    }
    compute
        .iter()
        .zip(&problem.nodes)
        .map(|(c, n)| *c as f64 / f64::from(n.compute.get()))
        .collect()
}

/// The part of the edges that crosses nodes.
pub fn crossing(problem: &Problem, placement: &Placement) -> f64 {
    let mut crossing = 0.0;
    for (topology, slots) in problem.topologies.iter().zip(&placement.0) {
        let of = |component: u32| -> Vec<u32> {
            let all = topology.executors.iter().zip(slots).filter(move |(c, _)| **c == component);
            all.filter_map(|(_, slot)| slot.map(|slot| slot.node)).collect()
        };
        for edge in &topology.edges {
            let (from, to) = (of(edge.from), of(edge.to));
            let apart: usize = from.iter().map(|a| to.iter().filter(|b| *b != a).count()).sum();
            crossing += f64::from(edge.traffic.get()) * apart as f64
                / (from.len() * to.len()).max(1) as f64;
        }
    }
    crossing
}

fn running<'a>(
    problem: &'a Problem,
    placement: &'a Placement,
) -> impl Iterator<Item = (&'a Component, SlotId)> {
    problem.topologies.iter().zip(&placement.0).flat_map(|(topology, slots)| {
        let executors = topology.executors.iter().zip(slots);
        executors.filter_map(|(&c, slot)| Some((&topology.components[c as usize], (*slot)?)))
    })
}

/// What every placement must keep: the hard constraints.
pub fn assert_sound(problem: &Problem, previous: &Placement, placed: &Placed) {
    let placement = &placed.placement;
    assert_eq!(placement.0.len(), problem.topologies.len());
    let mut memory = vec![0u64; problem.nodes.len()];
    let mut owners: BTreeMap<SlotId, BTreeSet<usize>> = BTreeMap::new();
    let mut heaps: BTreeMap<SlotId, u64> = BTreeMap::new();
    for (index, (topology, slots)) in problem.topologies.iter().zip(&placement.0).enumerate() {
        assert_eq!(slots.len(), topology.executors.len());
        for (executor, (&component, slot)) in topology.executors.iter().zip(slots).enumerate() {
            let Some(slot) = slot else { continue };
            let node = &problem.nodes[slot.node as usize];
            let had = previous.0[index][executor];
            assert!(node.open || had == Some(*slot), "a closed node got an executor");
            assert!(slot.slot < node.slots && !node.blocked.contains(&slot.slot), "no such slot");
            let component = &topology.components[component as usize];
            memory[slot.node as usize] +=
                u64::from(component.heap.get() + component.off_heap.get());
            *heaps.entry(*slot).or_default() += u64::from(component.heap.get());
            owners.entry(*slot).or_default().insert(index);
        }
        let of = |component: u32| -> Vec<u32> {
            let all = topology.executors.iter().zip(slots).filter(|(c, _)| **c == component);
            all.filter_map(|(_, slot)| slot.map(|slot| slot.node)).collect()
        };
        let together = |&(one, other): &(u32, u32)| {
            let others = of(other);
            of(one).iter().any(|node| others.contains(node))
        };
        assert!(!topology.apart.iter().any(together), "what is to be apart shares a node");
    }
    for (used, node) in memory.iter().zip(&problem.nodes) {
        assert!(
            node.memory.is_none_or(|memory| *used <= u64::from(memory.get())),
            "memory is overcommitted"
        );
    }
    assert!(owners.values().all(|owners| owners.len() == 1), "a slot is shared by topologies");
    for (slot, heap) in heaps {
        let owner = owners[&slot].first().expect("a slot in use has an owner");
        let limit = problem.topologies[*owner].heap_limit;
        assert!(
            limit.is_none_or(|limit| heap <= u64::from(limit.get())),
            "a worker's heap is overcommitted"
        );
    }
    let unplaced = placement.0.iter().flatten().filter(|slot| slot.is_none()).count();
    let lacking: u32 = placed.shortages.iter().map(|shortage| shortage.executors).sum();
    assert_eq!(unplaced, lacking as usize, "an executor is missing without a reason");
}

/// A generator of numbers, the same on every machine.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 33) % u64::from(bound.max(1))) as u32
    }
}

/// A random problem of at most so many executors and nodes, with comfort zero.
pub fn random(seed: u64, executors: u32, nodes: u32) -> Problem {
    let mut dice = Dice::new(seed);
    let nodes = (0..1 + dice.below(nodes))
        .map(|_| node(100 + 50 * dice.below(7), 1000 + 500 * dice.below(6)));
    let nodes: Vec<Node> = nodes.map(|node| Node { slots: 24, ..node }).collect();
    let mut left = 2 + dice.below(executors - 1);
    let mut topologies = Vec::new();
    while left > 0 {
        let mut components = Vec::new();
        for _ in 0..1 + dice.below(3) {
            let count = (1 + dice.below(4)).min(left);
            if count > 0 {
                components.push((count, 5 + dice.below(60), 100 + 100 * dice.below(8)));
                left -= count;
            }
        }
        let edges: Vec<(u32, u32)> =
            (1..components.len() as u32).map(|to| (dice.below(to), to)).collect();
        let comfort = Load::ZERO;
        topologies.push(Topology { comfort, ..topology(&components, &edges) });
    }
    problem(nodes, topologies)
}
