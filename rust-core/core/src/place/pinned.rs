//! Phase 1: workers of their own for sources and acknowledging executors.

use std::collections::{BTreeMap, BTreeSet};

use super::problem::{Problem, Role};
use super::slots::{Room, is_whole};
use crate::model::SlotRef;

/// A node that is this many times slower than the fastest is no place for pinned executors, which all tuples pass.
const FAR_SLOWER: u64 = 4;
/// More work than this percentage of the mean node's explains why a node is slow.
const EXPLAINS_PERCENT: u64 = 150;

/// Places every pinned executor: those in a worker that holds nothing else stay, the others share new
/// workers on the fastest node that has the memory, as far apart as their user asks. If all can leave nodes that are far too slow, they do.
pub(super) fn place(problem: &Problem, room: &mut Room, placed: &mut [Option<SlotRef>]) {
    let slow = if problem.pinned_stay { BTreeSet::new() } else { far_slower(problem, room) };
    if !slow.is_empty() {
        let (mut tried_room, mut tried) = (room.clone(), placed.to_vec());
        keep_or_place(problem, &mut tried_room, &mut tried, &slow);
        if !tried.iter().flatten().any(|slot| slow.contains(&(slot.node as usize))) {
            *room = tried_room;
            placed.copy_from_slice(&tried);
            return;
        }
    }
    keep_or_place(problem, room, placed, &BTreeSet::new());
}

/// Places every pinned executor, but keeps none on nodes that it is to leave.
fn keep_or_place(
    problem: &Problem,
    room: &mut Room,
    placed: &mut [Option<SlotRef>],
    leave: &BTreeSet<usize>,
) {
    let mut pure = pure_anchor_workers(problem, room);
    pure.retain(|slot| !leave.contains(&(slot.node as usize)));
    let most = most_workers(problem);
    while pure.len() > most {
        pure.pop_last();
    }
    let mut homeless = Vec::new();
    for pinned in problem.of_role(Role::Pinned) {
        match problem.executors[pinned].current.filter(|slot| pure.contains(slot)) {
            Some(slot) => {
                placed[pinned] = Some(slot);
            }
            None => homeless.push(pinned),
        }
    }
    for slot in &pure {
        room.take(*slot);
    }
    let mut last = pure.first().copied();
    let mut workers = pure.len();
    let mut memory: Vec<u32> = vec![0; problem.nodes.len()];
    for slot in placed.iter().enumerate().filter_map(|(e, slot)| Some((e, (*slot)?))) {
        memory[slot.1.node as usize] += problem.executors[slot.0].memory_mib();
    }
    for chunk in chunks(problem, homeless) {
        let spare = room.total() > 1 || problem.of_role(Role::Work).next().is_none();
        let spare = spare && workers < most;
        let needed: u32 = chunk.iter().map(|&pinned| problem.executors[pinned].memory_mib()).sum();
        let fits = |node: usize| {
            let all = problem.nodes[node].memory_mib;
            let present = placed.iter().enumerate().filter_map(|(e, slot)| Some((e, (*slot)?)));
            let there = present.map(|(e, slot)| (e, slot.node as usize));
            let spread = problem.crowding(there.chain(chunk.iter().map(|&pinned| (pinned, node))));
            spread.is_none() && all.is_none_or(|all| memory[node].saturating_add(needed) <= all)
        };
        // Memory that was declared cannot be done with less: what fits nowhere is left out here.
        let enough = |node: &usize| !problem.memory_declared || fits(*node);
        let slot = fastest(problem, room, &fits)
            .filter(|node| enough(node) && (spare || last.is_none()))
            .and_then(|node| room.take_any(node))
            .inspect(|_| workers += 1)
            .or(last.filter(|slot| enough(&(slot.node as usize))));
        last = slot.or(last);
        if let Some(slot) = slot {
            memory[slot.node as usize] += needed;
        }
        for pinned in chunk {
            placed[pinned] = slot;
        }
    }
}

/// How many workers pinned executors may have so that one is left for work.
fn most_workers(problem: &Problem) -> usize {
    let all = problem.most_workers.map_or(usize::MAX, |most| most as usize);
    all - usize::from(problem.of_role(Role::Work).next().is_some() && all > 1)
}

/// The pinned executors dealt out to workers, each as full as it may be with what may share its node.
fn chunks(problem: &Problem, pinned: Vec<usize>) -> Vec<Vec<usize>> {
    let most = per_worker(problem);
    let all = problem.nodes.iter().filter(|node| node.usable);
    // One node of unknown memory takes them all.
    let largest = all.map(|node| node.memory_mib.unwrap_or(u32::MAX)).max();
    let largest = largest.filter(|_| problem.memory_declared).map_or(u64::MAX, u64::from);
    let memory = |pinned: usize| u64::from(problem.executors[pinned].memory_mib());
    let mut chunks: Vec<Vec<usize>> = Vec::new();
    for pinned in pinned {
        let joins = |chunk: &&mut Vec<usize>| {
            let together = chunk.iter().chain([&pinned]).map(|&pinned| (pinned, 0));
            let needed: u64 = chunk.iter().chain([&pinned]).map(|&pinned| memory(pinned)).sum();
            chunk.len() < most && needed <= largest && problem.crowding(together).is_none()
        };
        match chunks.iter_mut().find(joins) {
            Some(chunk) => chunk.push(pinned),
            None => chunks.push(vec![pinned]),
        }
    }
    chunks
}

/// How many pinned executors share a worker: as many as are desired, as far as their heap fits.
fn per_worker(problem: &Problem) -> usize {
    let desired = problem.pinned_per_worker.max(1);
    let heap = problem.of_role(Role::Pinned).map(|e| problem.executors[e].heap_mib).max();
    let fitting = match (problem.heap_limit_mib, heap) {
        (Some(limit), Some(heap)) if heap > 0 => (limit / heap).max(1),
        _ => desired,
    };
    desired.min(fitting) as usize
}

/// Slots of this topology that hold pinned executors and nothing else, on usable nodes.
fn pure_anchor_workers(problem: &Problem, room: &Room) -> BTreeSet<SlotRef> {
    let mut pinned: BTreeMap<SlotRef, usize> = BTreeMap::new();
    for index in problem.of_role(Role::Pinned) {
        if let Some(slot) = problem.executors[index].current {
            *pinned.entry(slot).or_default() += 1;
        }
    }
    pinned.retain(|slot, pinned| room.holds(*slot) && is_whole(problem, *slot, *pinned));
    pinned.into_keys().collect()
}

/// Nodes that are far slower than the fastest one with a slot left, and not because of their work: a node
/// that carries about as much as the others would be as fast as they are, were it able to.
///
/// What pinned executors take of a processor is not measured, so this is all that tells of it.
fn far_slower(problem: &Problem, room: &Room) -> BTreeSet<usize> {
    let present = problem.executors.iter().enumerate();
    let present = present.filter_map(|(e, executor)| Some((e, executor.current?.node as usize)));
    let demands = problem.node_demands(present);
    let usable = || (0..problem.nodes.len()).filter(|&node| problem.nodes[node].usable);
    let power = |node: usize| u64::from(problem.nodes[node].power_milli);
    let fastest = usable().filter(|&node| room.left(node) > 0).map(power).max().unwrap_or(0);
    let mean = usable().map(|node| demands[node]).sum::<u64>() / usable().count().max(1) as u64;
    let explained = |node: usize| demands[node] * 100 > mean * EXPLAINS_PERCENT;
    usable().filter(|&node| power(node) * FAR_SLOWER < fastest && !explained(node)).collect()
}

/// The fastest node with a slot and memory left; of equally fast ones the least loaded, then the first.
fn fastest(problem: &Problem, room: &Room, fits: &dyn Fn(usize) -> bool) -> Option<usize> {
    (0..problem.nodes.len()).filter(|&node| room.left(node) > 0).max_by_key(|&node| {
        let place = &problem.nodes[node];
        // A node whose last slot the pinned executors would take leaves none for work.
        (
            fits(node),
            room.left(node) > 1,
            place.power_milli,
            std::cmp::Reverse((place.base_load, node)),
        )
    })
}
