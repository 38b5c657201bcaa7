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
    for executor in fragments.into_iter().flat_map(|(_, executors)| executors) {
        let fits = |node: usize| {
            let there = on(node, placed, node_of).chain([executor]);
            let memory: u64 = there.map(|e| u64::from(problem.executors[e].memory_mib())).sum();
            problem.nodes[node].memory_mib.is_none_or(|room| memory <= u64::from(room))
        };
        let load = |node: usize| {
            let there: u64 = on(node, placed, node_of).map(|e| problem.executors[e].demand).sum();
            problem.nodes[node].load(problem.nodes[node].base_load + there)
        };
        // Its worker there ends, and none that runs it may start beside that one.
        let left = problem.executors[executor].current.map(|slot| slot.node as usize);
        let nodes = others.iter().map(|(node, _)| *node);
        let open = nodes.filter(|&node| Some(node) != left && fits(node));
        if let Some(node) = open.min_by_key(|&node| (load(node), node)) {
            node_of.insert(executor, node);
        }
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

/// The executors of a node, pinned executors included.
fn on<'a>(
    node: usize,
    placed: &'a [Option<SlotRef>],
    node_of: &'a BTreeMap<usize, usize>,
) -> impl Iterator<Item = usize> + 'a {
    let pinned = placed.iter().enumerate().filter_map(|(e, slot)| Some((e, (*slot)?)));
    let pinned = pinned.filter(move |(_, slot)| slot.node as usize == node).map(|(e, _)| e);
    pinned.chain(node_of.iter().filter(move |(_, of)| **of == node).map(|(e, _)| *e))
}
