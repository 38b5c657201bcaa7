//! The improvement phase: moves and exchanges of single executors that keep more traffic within nodes
//! and load no node beyond its ceiling. It may stop after any step.

use std::cmp::Reverse;

use crate::budget::Budget;
use crate::draft::Draft;

/// Nodes looked at as targets of one executor.
const TARGETS: usize = 16;
/// Executors that may make room for one.
const MOST_EVICTED: usize = 8;
/// What a look for one of them costs.
const EXCHANGE_STEPS: u64 = 8;

/// Improves topology after topology until none gets better or the budget is spent.
pub(crate) fn improve(draft: &mut Draft<'_>, budget: &mut Budget<'_>) {
    let topologies: Vec<usize> =
        (0..draft.sites.len()).filter(|&topology| draft.summary(topology).traffic > 0).collect();
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
        for class in 0..draft.summary(topology).classes.len() {
            if budget.is_spent() {
                return better;
            }
            if draft.count(topology, node, class) == 0 || !draft.movable(topology, node, class) {
                continue;
            }
            for target in targets(draft, topology, node, class, budget) {
                better |= shift(draft, topology, class, (node, target), budget);
                if draft.count(topology, node, class) == 0 {
                    break;
                }
                while draft.count(topology, node, class) > 0
                    && draft.movable(topology, node, class)
                    && !budget.is_spent()
                    && exchange(draft, topology, class, (node, target), budget)
                {
                    better = true;
                }
                if draft.count(topology, node, class) == 0 {
                    break;
                }
            }
        }
    }
    better
}

/// The nodes where an executor would exchange more than where it is, the best first.
fn targets(
    draft: &Draft<'_>,
    topology: usize,
    node: u32,
    class: usize,
    budget: &mut Budget<'_>,
) -> Vec<u32> {
    let sites = &draft.sites[topology];
    budget.spend(sites.len() as u64);
    let here = draft.hold(topology, node, class);
    let mut found: Vec<(i64, Reverse<u32>)> = sites
        .iter()
        .filter(|(other, _)| **other != node)
        .map(|(&other, site)| (draft.pull_at(topology, site, class), Reverse(other)))
        .filter(|(pull, _)| *pull > here)
        .collect();
    found.sort_unstable();
    found.into_iter().rev().take(TARGETS).map(|(_, other)| other.0).collect()
}

/// Moves executors of a class as long as each move keeps more local.
fn shift(
    draft: &mut Draft<'_>,
    topology: usize,
    class: usize,
    (from, to): (u32, u32),
    budget: &mut Budget<'_>,
) -> bool {
    let mut moved = false;
    while draft.movable(topology, from, class)
        && draft.pull(topology, to, class) > draft.hold(topology, from, class)
        && draft.fits(topology, to, class)
    {
        budget.spend(1);
        draft.remove(topology, from, class);
        if !draft.add(topology, to, class) {
            put_back(draft, topology, from, class);
            break;
        }
        moved = true;
    }
    moved
}

/// Moves an executor to a node that makes room for it: what exchanges least there goes the other way.
/// Tells whether that keeps more local; if not, nothing changes.
fn exchange(
    draft: &mut Draft<'_>,
    topology: usize,
    class: usize,
    (from, to): (u32, u32),
    budget: &mut Budget<'_>,
) -> bool {
    let before = draft.local_at(topology, from) + draft.local_at(topology, to);
    let saved = draft.save(topology, [from, to]);
    let missing = draft.missing(topology);
    draft.remove(topology, from, class);
    for _ in 0..MOST_EVICTED {
        if draft.fits(topology, to, class) {
            break;
        }
        budget.spend(EXCHANGE_STEPS);
        let Some(other) = least_bound(draft, topology, class, (from, to)) else {
            break;
        };
        draft.remove(topology, to, other);
        if !draft.add(topology, from, other) {
            break;
        }
    }
    let arrived = draft.add(topology, to, class);
    if arrived
        && draft.missing(topology) == missing
        && draft.local_at(topology, from) + draft.local_at(topology, to) > before
    {
        return true;
    }
    draft.restore(topology, saved);
    false
}

/// The class on `to` that loses least for its size by going to `from`.
fn least_bound(
    draft: &Draft<'_>,
    topology: usize,
    class: usize,
    (from, to): (u32, u32),
) -> Option<usize> {
    let classes = &draft.summary(topology).classes;
    let here = |other: &usize| *other != class && draft.movable(topology, to, *other);
    let candidates =
        (0..classes.len()).filter(here).filter(|&other| draft.fits(topology, from, other));
    candidates.min_by_key(|&other| {
        let loss = draft.hold(topology, to, other) - draft.pull(topology, from, other);
        let size = (classes[other].compute * classes[class].memory.max(1))
            .max(classes[other].memory * classes[class].compute.max(1));
        // A loss weighs less the more room it makes, a gain always counts first.
        (
            if loss > 0 {
                ((i128::from(loss) << 20) / i128::from(size.max(1)), 0)
            } else {
                (-1, loss)
            },
            other,
        )
    })
}

/// Puts an executor back where it was a moment ago.
fn put_back(draft: &mut Draft<'_>, topology: usize, node: u32, class: usize) {
    let back = draft.add(topology, node, class);
    debug_assert!(back, "what was there a moment ago fits");
}
