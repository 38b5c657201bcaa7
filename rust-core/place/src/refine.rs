//! Kernighan and Lin's idea for topologies on few nodes: between two nodes, executors move even if that
//! costs something at first, none of them back again, and the best state on the way stays.

use crate::budget::Budget;
use crate::draft::Draft;

/// Topologies on more nodes than this are left as they are: most of their traffic crosses anyway.
const MOST_NODES: usize = 12;
/// Moves of one pass.
const MOST_MOVES: usize = 48;
/// Moves without a new best after which a pass ends.
const PATIENCE: usize = 16;
/// On the way a node may be fuller than allowed by one part in this many.
const SLACK: i64 = 6;

/// Passes over all pairs of nodes of every topology on few nodes, until none gets better.
pub(crate) fn refine(draft: &mut Draft<'_>, budget: &mut Budget<'_>) {
    for topology in 0..draft.sites.len() {
        let mut better = draft.summary(topology).traffic > draft.local(topology);
        while better && !budget.is_spent() {
            better = false;
            let nodes: Vec<u32> = draft.sites[topology].keys().copied().collect();
            if nodes.len() > MOST_NODES {
                break;
            }
            for (at, &one) in nodes.iter().enumerate() {
                for &other in &nodes[at + 1..] {
                    better |= !budget.is_spent() && pass(draft, topology, [one, other], budget);
                }
            }
        }
    }
}

/// Moves executors between two nodes, and keeps the best state that loads neither too much.
fn pass(draft: &mut Draft<'_>, topology: usize, nodes: [u32; 2], budget: &mut Budget<'_>) -> bool {
    let start = draft.save(topology, nodes);
    let limits = nodes.map(|node| draft.limits(node));
    for (node, (ceiling, memory)) in nodes.into_iter().zip(limits) {
        draft.set_limits(node, (ceiling + ceiling / SLACK, memory + memory / SLACK));
    }
    let classes = draft.summary(topology).classes.len();
    // The direction in which a class has moved: it does not go back in the same pass.
    let mut gone: Vec<Option<usize>> = vec![None; classes];
    let (mut gain, mut best, mut since) = (0, 0, 0);
    let mut kept = None;
    for _ in 0..MOST_MOVES {
        budget.spend(classes as u64);
        let Some((won, class, from)) = best_move(draft, topology, nodes, &gone) else {
            break;
        };
        draft.remove(topology, nodes[from], class);
        if !draft.add(topology, nodes[1 - from], class) {
            break;
        }
        gone[class] = Some(from);
        gain += won;
        since += 1;
        let allowed = nodes.into_iter().zip(limits).all(|(node, limits)| draft.keeps(node, limits));
        if gain > best && allowed {
            (best, since) = (gain, 0);
            kept = Some(draft.save(topology, nodes));
        }
        if since > PATIENCE {
            break;
        }
    }
    let better = kept.is_some();
    draft.restore(topology, kept.unwrap_or(start));
    for (node, limits) in nodes.into_iter().zip(limits) {
        draft.set_limits(node, limits);
    }
    better
}

/// The move that keeps most more local, or loses least: its gain, class, and side it leaves.
fn best_move(
    draft: &Draft<'_>,
    topology: usize,
    nodes: [u32; 2],
    gone: &[Option<usize>],
) -> Option<(i64, usize, usize)> {
    let mut moves: Vec<(i64, usize, usize)> = Vec::with_capacity(gone.len());
    for from in 0..2 {
        for (class, gone) in gone.iter().enumerate() {
            let may = gone.is_none_or(|direction| direction == from);
            if may && draft.movable(topology, nodes[from], class) {
                let won = draft.pull(topology, nodes[1 - from], class)
                    - draft.hold(topology, nodes[from], class);
                moves.push((won, class, from));
            }
        }
    }
    moves.sort_unstable_by(|a, b| b.cmp(a));
    moves.into_iter().find(|&(_, class, from)| draft.fits(topology, nodes[1 - from], class))
}
