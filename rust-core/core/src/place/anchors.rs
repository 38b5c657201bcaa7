//! Phase 1: workers of their own for sources and acknowledging executors.

use std::collections::{BTreeMap, BTreeSet};

use super::problem::{Problem, Role};
use super::slots::{Room, is_whole};
use crate::model::SlotRef;

/// Places every anchor: those in a worker that holds nothing else stay, the others share new
/// workers on the fastest node that has the memory.
pub(super) fn place(problem: &Problem, room: &mut Room, placed: &mut [Option<SlotRef>]) {
    let pure = pure_anchor_workers(problem, room);
    let mut homeless = Vec::new();
    for anchor in problem.of_role(Role::Anchor) {
        match problem.executors[anchor].current.filter(|slot| pure.contains(slot)) {
            Some(slot) => {
                placed[anchor] = Some(slot);
            }
            None => homeless.push(anchor),
        }
    }
    for slot in &pure {
        room.take(*slot);
    }
    let mut last = pure.first().copied();
    let mut memory: Vec<u32> = vec![0; problem.nodes.len()];
    for slot in placed.iter().enumerate().filter_map(|(e, slot)| Some((e, (*slot)?))) {
        memory[slot.1.node as usize] += problem.executors[slot.0].memory_mib();
    }
    for chunk in homeless.chunks(per_worker(problem)) {
        let spare = room.total() > 1 || problem.of_role(Role::Work).next().is_none();
        let needed: u32 = chunk.iter().map(|&anchor| problem.executors[anchor].memory_mib()).sum();
        let fits = |node: usize| {
            let all = problem.nodes[node].memory_mib;
            all.is_none_or(|all| memory[node].saturating_add(needed) <= all)
        };
        let slot = fastest(problem, room, &fits)
            .filter(|_| spare || last.is_none())
            .and_then(|node| room.take_any(node))
            .or(last);
        last = slot;
        if let Some(slot) = slot {
            memory[slot.node as usize] += needed;
        }
        for &anchor in chunk {
            placed[anchor] = slot;
        }
    }
}

/// How many anchors share a worker: as many as are wished, as far as their heap fits.
fn per_worker(problem: &Problem) -> usize {
    let wished = problem.anchors_per_worker.max(1);
    let heap = problem.of_role(Role::Anchor).map(|e| problem.executors[e].heap_mib).max();
    let fitting = match (problem.heap_limit_mib, heap) {
        (Some(limit), Some(heap)) if heap > 0 => (limit / heap).max(1),
        _ => wished,
    };
    wished.min(fitting) as usize
}

/// Slots of this topology that hold anchors and nothing else, on usable nodes.
fn pure_anchor_workers(problem: &Problem, room: &Room) -> BTreeSet<SlotRef> {
    let mut anchors: BTreeMap<SlotRef, usize> = BTreeMap::new();
    for index in problem.of_role(Role::Anchor) {
        if let Some(slot) = problem.executors[index].current {
            *anchors.entry(slot).or_default() += 1;
        }
    }
    anchors.retain(|slot, anchors| room.holds(*slot) && is_whole(problem, *slot, *anchors));
    anchors.into_keys().collect()
}

/// The fastest node with a slot and memory left; of equally fast ones the least loaded, then the first.
fn fastest(problem: &Problem, room: &Room, fits: &dyn Fn(usize) -> bool) -> Option<usize> {
    (0..problem.nodes.len()).filter(|&node| room.left(node) > 0).max_by_key(|&node| {
        let place = &problem.nodes[node];
        // A node whose last slot the anchors would take leaves none for work.
        (
            fits(node),
            room.left(node) > 1,
            place.ability_milli,
            std::cmp::Reverse((place.base_load, node)),
        )
    })
}
