//! The improvement phase: moves and swaps of single executors that keep more traffic within nodes
//! and load no node beyond its ceiling. It may stop after any step.

use crate::budget::Budget;
use crate::draft::Draft;

/// Nodes looked at as targets of one executor.
const TARGETS: usize = 16;

/// Improves topology after topology until none gets better or the budget is spent.
pub(crate) fn improve(draft: &mut Draft<'_>, budget: &mut Budget<'_>) {
    let topologies: Vec<usize> =
        (0..draft.sites.len()).filter(|&topology| draft.sheet(topology).traffic > 0).collect();
    loop {
        let mut better = false;
        for &topology in &topologies {
            better |= pass(draft, topology, budget);
        }
        if !better || budget.is_spent() {
            return;
        }
    }
}

/// One look at every executor of a topology; tells whether anything got better.
fn pass(draft: &mut Draft<'_>, topology: usize, budget: &mut Budget<'_>) -> bool {
    let nodes: Vec<u32> = draft.sites[topology].keys().copied().collect();
    if nodes.len() < 2 {
        return false;
    }
    let mut better = false;
    for &node in &nodes {
        for kind in 0..draft.sheet(topology).kinds.len() {
            if budget.is_spent() {
                return better;
            }
            if draft.count(topology, node, kind) == 0 || !movable(draft, topology, node, kind) {
                continue;
            }
            for target in targets(draft, topology, node, kind, &nodes, budget) {
                better |= shift(draft, topology, kind, (node, target), budget);
                if draft.count(topology, node, kind) == 0 {
                    break;
                }
                better |= swap(draft, topology, kind, (node, target), budget);
                if draft.count(topology, node, kind) == 0 {
                    break;
                }
            }
        }
    }
    better
}

/// Whether a node has an executor of a kind in a worker that is not running yet.
fn movable(draft: &Draft<'_>, topology: usize, node: u32, kind: usize) -> bool {
    let site = draft.sites[topology].get(&node);
    site.is_some_and(|site| site.workers.iter().any(|w| w.slot.is_none() && w.counts[kind] > 0))
}

/// The nodes where an executor would exchange more than where it is, the best first.
fn targets(
    draft: &Draft<'_>,
    topology: usize,
    node: u32,
    kind: usize,
    nodes: &[u32],
    budget: &mut Budget<'_>,
) -> Vec<u32> {
    budget.spend(nodes.len() as u64);
    let here = draft.hold(topology, node, kind);
    let mut found: Vec<(i64, std::cmp::Reverse<u32>)> = nodes
        .iter()
        .filter(|&&other| other != node)
        .map(|&other| (draft.pull(topology, other, kind), std::cmp::Reverse(other)))
        .filter(|(pull, _)| *pull > here)
        .collect();
    found.sort_unstable();
    found.into_iter().rev().take(TARGETS).map(|(_, other)| other.0).collect()
}

/// Moves executors of a kind as long as each move keeps more local.
fn shift(
    draft: &mut Draft<'_>,
    topology: usize,
    kind: usize,
    (from, to): (u32, u32),
    budget: &mut Budget<'_>,
) -> bool {
    let mut moved = false;
    while movable(draft, topology, from, kind)
        && draft.pull(topology, to, kind) > draft.hold(topology, from, kind)
        && draft.fits(topology, to, kind)
    {
        budget.spend(1);
        draft.remove(topology, from, kind);
        if !draft.add(topology, to, kind) {
            put_back(draft, topology, from, kind);
            break;
        }
        moved = true;
    }
    moved
}

/// Exchanges executors of two kinds between two nodes as long as each exchange keeps more local.
fn swap(
    draft: &mut Draft<'_>,
    topology: usize,
    kind: usize,
    (from, to): (u32, u32),
    budget: &mut Budget<'_>,
) -> bool {
    let mut swapped = false;
    for other in 0..draft.sheet(topology).kinds.len() {
        if other == kind {
            continue;
        }
        let joint = draft.sheet(topology).kinds[kind].joint(other);
        while movable(draft, topology, from, kind) && movable(draft, topology, to, other) && !budget.is_spent() {
            budget.spend(2);
            let there = draft.pull(topology, to, kind) - draft.hold(topology, from, kind);
            let back = draft.pull(topology, from, other) - draft.hold(topology, to, other);
            if there + back - 2 * joint <= 0 {
                break;
            }
            draft.remove(topology, from, kind);
            draft.remove(topology, to, other);
            if !draft.add(topology, to, kind) {
                put_back(draft, topology, from, kind);
                put_back(draft, topology, to, other);
                break;
            }
            if !draft.add(topology, from, other) {
                draft.remove(topology, to, kind);
                put_back(draft, topology, from, kind);
                put_back(draft, topology, to, other);
                break;
            }
            swapped = true;
        }
    }
    swapped
}

/// Puts an executor back where it was a moment ago.
fn put_back(draft: &mut Draft<'_>, topology: usize, node: u32, kind: usize) {
    let back = draft.add(topology, node, kind);
    debug_assert!(back, "what was there a moment ago fits");
}
