//! Phase 3: slots for each node's executors; and the book of which slots are left.

use std::collections::{BTreeMap, BTreeSet};

use super::problem::{PlaceNode, Problem, Role};
use crate::model::SlotRef;

/// The slots that this topology may still take, per node.
#[derive(Clone)]
pub(super) struct Room {
    /// Ports never used by this topology so far: a new worker can start there beside the old ones.
    fresh: Vec<BTreeSet<u32>>,
    /// Ports this topology holds now.
    held: Vec<BTreeSet<u32>>,
}

impl Room {
    pub(super) fn of(problem: &Problem) -> Self {
        let ports = |wanted: bool| {
            let ports_of = |(index, node): (usize, &PlaceNode)| {
                let slot = |port| SlotRef { node: index as u32, port };
                let open = node.slots.iter().filter(|s| node.usable && !s.taken).map(|s| s.port);
                open.filter(|&port| problem.held.contains_key(&slot(port)) == wanted).collect()
            };
            problem.nodes.iter().enumerate().map(ports_of).collect()
        };
        Self { fresh: ports(false), held: ports(true) }
    }

    pub(super) fn total(&self) -> usize {
        (0..self.fresh.len()).map(|node| self.left(node)).sum()
    }

    /// Slots left on one node.
    pub(super) fn left(&self, node: usize) -> usize {
        self.fresh[node].len() + self.held[node].len()
    }

    /// Slots left on one node where a new worker can start beside the old ones.
    pub(super) fn fresh(&self, node: usize) -> usize {
        self.fresh[node].len()
    }

    pub(super) fn any(&self) -> Option<SlotRef> {
        (0..self.fresh.len()).find_map(|node| {
            let port = self.held[node].first().or(self.fresh[node].first())?;
            Some(SlotRef { node: node as u32, port: *port })
        })
    }

    /// Whether the topology may keep a slot it holds.
    pub(super) fn holds(&self, slot: SlotRef) -> bool {
        self.held.get(slot.node as usize).is_some_and(|ports| ports.contains(&slot.port))
    }

    /// Takes a particular slot out of the book.
    pub(super) fn take(&mut self, slot: SlotRef) {
        self.held[slot.node as usize].remove(&slot.port);
        self.fresh[slot.node as usize].remove(&slot.port);
    }

    /// Takes any slot of a node, a fresh one where there is one.
    pub(super) fn take_any(&mut self, node: usize) -> Option<SlotRef> {
        let port = self.fresh[node].pop_first().or_else(|| self.held[node].pop_first())?;
        Some(SlotRef { node: node as u32, port })
    }
}

/// Gives the work executors of each node their slots there.
pub(super) fn fill(
    problem: &Problem,
    room: &mut Room,
    node_of: &BTreeMap<usize, usize>,
    placed: &mut [Option<SlotRef>],
) {
    let by_node = by_node(node_of);
    let anchor_workers: BTreeSet<SlotRef> = placed.iter().flatten().copied().collect();
    let desired = (problem.desired_workers as usize).saturating_sub(anchor_workers.len());
    let per_node = desired.div_ceil(by_node.len().max(1)).max(1);
    let mut untouched = unchanged_workers(problem, room, &by_node);
    let most = problem.most_workers.map_or(usize::MAX, |most| most as usize);
    let most = most.saturating_sub(anchor_workers.len());
    let mut spare = leave_workers(most, &by_node, &mut untouched);
    for (slot, executors) in &untouched {
        room.take(*slot);
        for &executor in executors {
            placed[executor] = Some(*slot);
        }
    }
    for (&node, executors) in &by_node {
        let kept = untouched.keys().filter(|slot| slot.node as usize == node).count();
        let rest: Vec<usize> = executors.iter().copied().filter(|&e| placed[e].is_none()).collect();
        if rest.is_empty() {
            continue;
        }
        if room.left(node) == 0 {
            // The node's last slots stayed with unchanged workers: the rest joins one of them.
            let joined = untouched.keys().find(|slot| slot.node as usize == node).copied();
            rest.iter().for_each(|&executor| placed[executor] = joined);
            continue;
        }
        let most = if room.fresh(node) > 0 { room.fresh(node) } else { room.left(node) };
        let desired = per_node.saturating_sub(kept).clamp(1, most).min(rest.len());
        let workers = desired.min(spare.saturating_add(1));
        let sets = deal(problem, &rest, workers, room.left(node).min(spare.saturating_add(1)));
        spare = spare.saturating_sub(sets.len() - 1);
        let slots: Vec<SlotRef> = sets.iter().filter_map(|_| room.take_any(node)).collect();
        for (set, slot) in sets.into_iter().zip(slots) {
            for executor in set {
                placed[executor] = Some(slot);
            }
        }
    }
}

/// Lets present workers change where they would be too many beside the new ones that nodes need; returns how many
/// workers may start beyond one for each node that needs any.
fn leave_workers(
    most: usize,
    by_node: &BTreeMap<usize, Vec<usize>>,
    untouched: &mut BTreeMap<SlotRef, Vec<usize>>,
) -> usize {
    let mut stay: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
    for (slot, executors) in untouched.iter() {
        let (workers, count) = stay.entry(slot.node as usize).or_default();
        *workers += 1;
        *count += executors.len();
    }
    let needed = |node: &usize, executors: &[usize]| {
        let (workers, count) = stay.get(node).copied().unwrap_or_default();
        workers + usize::from(count < executors.len())
    };
    let mut workers: usize = by_node.iter().map(|(node, all)| needed(node, all)).sum();
    let mut left: BTreeSet<usize> = BTreeSet::new();
    for (node, executors) in by_node {
        let needed = needed(node, executors);
        if workers > most && needed > 1 {
            workers -= needed - 1;
            left.insert(*node);
        }
    }
    untouched.retain(|slot, _| !left.contains(&(slot.node as usize)));
    most.saturating_sub(workers)
}

/// The executors of each node that has any, ascending.
pub(super) fn by_node(node_of: &BTreeMap<usize, usize>) -> BTreeMap<usize, Vec<usize>> {
    let mut by_node: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (&executor, &node) in node_of {
        by_node.entry(node).or_default().push(executor);
    }
    by_node
}

/// Deals executors out to workers, at most to as many as there are slots, of which there is one at least: evenly
/// to as many as are desired, to more where their heap asks for it.
fn deal(problem: &Problem, rest: &[usize], workers: usize, most: usize) -> Vec<Vec<usize>> {
    let heap = |set: &[usize]| -> u64 {
        set.iter().map(|&executor| u64::from(problem.executors[executor].heap_mib)).sum()
    };
    let limit = problem.heap_limit_mib.map_or(u64::MAX, u64::from);
    let evenly = |workers: usize| -> Vec<Vec<usize>> {
        rest.chunks(rest.len().div_ceil(workers.max(1))).map(<[usize]>::to_vec).collect()
    };
    let fitting = (workers..=most.min(rest.len()))
        .map(evenly)
        .find(|sets| sets.iter().all(|set| heap(set) <= limit));
    fitting.unwrap_or_else(|| {
        // Not all of one size: the largest first, each into the first worker that has room.
        let mut order = rest.to_vec();
        order.sort_by_key(|&executor| {
            (std::cmp::Reverse(problem.executors[executor].heap_mib), executor)
        });
        let mut sets: Vec<Vec<usize>> = Vec::new();
        for executor in order {
            let fits = |set: &Vec<usize>| heap(set) + heap(&[executor]) <= limit;
            let open = sets.len() < most;
            match sets.iter().position(fits) {
                Some(found) => sets[found].push(executor),
                None if open => sets.push(vec![executor]),
                None => {
                    let least = sets.iter_mut().min_by_key(|set| heap(set));
                    least
                        .expect("at most as many sets as slots, and one slot at least")
                        .push(executor);
                }
            }
        }
        sets
    })
}

/// Present workers that hold work only, and whose executors all stay on their node.
pub(super) fn unchanged_workers(
    problem: &Problem,
    room: &Room,
    by_node: &BTreeMap<usize, Vec<usize>>,
) -> BTreeMap<SlotRef, Vec<usize>> {
    let mut present: BTreeMap<SlotRef, Vec<usize>> = BTreeMap::new();
    for (index, executor) in problem.executors.iter().enumerate() {
        if let Some(slot) = executor.current {
            present.entry(slot).or_default().push(index);
        }
    }
    present.retain(|slot, executors| {
        let stays = |e: &usize| {
            by_node
                .get(&(slot.node as usize))
                .is_some_and(|on_node| on_node.binary_search(e).is_ok())
        };
        let pure = executors.iter().all(|&e| problem.executors[e].role == Role::Work);
        let whole = is_whole(problem, *slot, executors.len());
        pure && whole && room.holds(*slot) && executors.iter().all(stays)
    });
    // Newcomers to a node get a worker of their own there, for joining one would restart it.
    present
}

/// Whether `executors` of a present worker are all that it runs: if some of its executors are not
/// desired any more, its set changes and it restarts anyway.
pub(super) fn is_whole(problem: &Problem, slot: SlotRef, executors: usize) -> bool {
    problem.held.get(&slot).is_some_and(|&held| held as usize == executors)
}
