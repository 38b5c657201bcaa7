//! Phase 2, at its end: no node starts a worker for next to nothing.
//!
//! A worker takes seconds of processor time until it runs. Where what would run in it takes far less than
//! elsewhere, that joins a node that starts workers anyway.

use std::collections::{BTreeMap, BTreeSet};

use super::problem::Problem;
use super::slots::{Room, by_node, unchanged_workers};
use crate::model::SlotRef;

/// A node starts next to nothing if its new workers' demand is below this percentage of the mean over the
/// nodes that start some.
const FRAGMENT_PERCENT: u64 = 10;

/// Moves what nodes would start workers for, but hardly needs any, to the others that start some.
pub(super) fn consolidate(
    problem: &Problem,
    room: &Room,
    placed: &[Option<SlotRef>],
    node_of: &mut BTreeMap<usize, usize>,
) {
    let demand = |all: &[usize]| all.iter().map(|&e| problem.executors[e].demand).sum::<u64>();
    let starting = starting(problem, room, node_of);
    let all: u64 = starting.values().map(|executors| demand(executors)).sum();
    let mean = all / starting.len().max(1) as u64;
    let few = |all: &[usize]| demand(all) * 100 < mean * FRAGMENT_PERCENT;
    let (fragments, others): (Vec<_>, Vec<_>) = starting.into_iter().partition(|(_, all)| few(all));
    let mut carried = Carried::of(problem, placed, node_of);
    for executor in fragments.into_iter().flat_map(|(_, executors)| executors) {
        let needed = u64::from(problem.executors[executor].memory_mib());
        let fits = |node: usize| {
            let room = problem.nodes[node].memory_mib;
            room.is_none_or(|room| carried.memory[node] + needed <= u64::from(room))
        };
        let load = |node: usize| problem.nodes[node].load(carried.demands[node]);
        // Its worker there ends, and none that runs it may start beside that one.
        let left = problem.executors[executor].current.map(|slot| slot.node as usize);
        let nodes = others.iter().map(|(node, _)| *node);
        let open = nodes.filter(|&node| Some(node) != left && fits(node));
        if let Some(node) = open.min_by_key(|&node| (load(node), node)) {
            carried.put(problem, executor, node);
            node_of.insert(executor, node);
        }
    }
}

/// What each node carries.
struct Carried {
    demands: Vec<u64>,
    memory: Vec<u64>,
}

impl Carried {
    fn of(problem: &Problem, placed: &[Option<SlotRef>], node_of: &BTreeMap<usize, usize>) -> Self {
        let demands = problem.nodes.iter().map(|node| node.base_load).collect();
        let mut carried = Self { demands, memory: vec![0; problem.nodes.len()] };
        let anchors = placed.iter().enumerate();
        let anchors = anchors.filter_map(|(e, slot)| Some((e, (*slot)?.node as usize)));
        for (executor, node) in anchors.chain(node_of.iter().map(|(&e, &node)| (e, node))) {
            carried.put(problem, executor, node);
        }
        carried
    }

    fn put(&mut self, problem: &Problem, executor: usize, node: usize) {
        self.demands[node] += problem.executors[executor].demand;
        self.memory[node] += u64::from(problem.executors[executor].memory_mib());
    }
}

/// What each node would start workers for.
fn starting(
    problem: &Problem,
    room: &Room,
    node_of: &BTreeMap<usize, usize>,
) -> BTreeMap<usize, Vec<usize>> {
    let by_node = by_node(node_of);
    let kept: BTreeSet<usize> =
        unchanged_workers(problem, room, &by_node).into_values().flatten().collect();
    let new = by_node.into_iter().map(|(node, mut executors)| {
        executors.retain(|executor| !kept.contains(executor));
        (node, executors)
    });
    new.filter(|(_, executors)| !executors.is_empty()).collect()
}
