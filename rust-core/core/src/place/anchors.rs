//! Phase 1: workers of their own for sources and acknowledging executors.

use std::collections::{BTreeMap, BTreeSet};

use super::problem::{Problem, Role};
use super::slots::{Room, is_whole};
use crate::model::SlotRef;

/// Places every anchor: those in a worker that holds nothing else stay, the others share new
/// workers on the fastest node.
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
    for chunk in homeless.chunks(problem.anchors_per_worker.max(1) as usize) {
        let spare = room.total() > 1 || problem.of_role(Role::Work).next().is_none();
        let slot = fastest(problem, room)
            .filter(|_| spare || last.is_none())
            .and_then(|node| room.take_any(node))
            .or(last);
        last = slot;
        for &anchor in chunk {
            placed[anchor] = slot;
        }
    }
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

/// The fastest node with a slot left; of equally fast ones the least loaded, then the first.
fn fastest(problem: &Problem, room: &Room) -> Option<usize> {
    (0..problem.nodes.len()).filter(|&node| room.left(node) > 0).max_by_key(|&node| {
        let place = &problem.nodes[node];
        // A node whose last slot the anchors would take leaves none for work.
        (room.left(node) > 1, place.ability_milli, std::cmp::Reverse((place.base_load, node)))
    })
}
