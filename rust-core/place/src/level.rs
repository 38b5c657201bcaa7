//! Where present executors may move: off the worst node, as long as that lowers the worst load by
//! enough to be worth a restart.

use crate::budget::Budget;
use crate::draft::Draft;
use crate::units::Load;

/// A move must lower the worse of the two nodes it touches by more than this many thousandths, or
/// rounding would move executors for ever.
const WORTHWHILE_THOUSANDTHS: u64 = 5;

/// Moves executors off the worst node, one by one, and keeps what lowered the worst load.
pub(crate) fn level<'a>(draft: Draft<'a>, comfort: Load, budget: &mut Budget<'_>) -> Draft<'a> {
    let mut tried = draft.clone();
    let mut kept = draft;
    tried.lift_ceilings();
    while !budget.is_spent() {
        let Some((topology, class, from, to)) = best_move(&tried, comfort, budget) else {
            break;
        };
        tried.remove(topology, from, class);
        if !tried.add(topology, to, class) {
            break;
        }
        // Of several nodes that are equally bad, all have to get better.
        if tried.worst() <= worthwhile(kept.worst()) {
            kept = tried.clone();
        }
    }
    kept
}

/// How much less a load must become to be worth a move.
pub(crate) fn worthwhile(load: Load) -> Load {
    Load::from_millionths(load.millionths() - load.millionths() * WORTHWHILE_THOUSANDTHS / 1000)
}

/// The move that lowers the worst node most; of equal ones that which keeps most traffic local.
fn best_move(
    draft: &Draft<'_>,
    comfort: Load,
    budget: &mut Budget<'_>,
) -> Option<(usize, usize, u32, u32)> {
    let open = || (0..draft.rooms.len() as u32).filter(|&node| draft.rooms[node as usize].open);
    let from = open().max_by_key(|&n| (draft.rooms[n as usize].load(), std::cmp::Reverse(n)))?;
    let worst = draft.rooms[from as usize].load();
    if worst <= comfort {
        return None;
    }
    let limit = worthwhile(worst);
    let mut best = None;
    for (topology, sites) in draft.sites.iter().enumerate() {
        let Some(site) = sites.get(&from) else { continue };
        for (class, demand) in draft.summary(topology).classes.iter().enumerate() {
            if site.counts[class] == 0 || demand.compute == 0 {
                continue;
            }
            let left = draft.rooms[from as usize].load_with(-demand.compute);
            for to in open().filter(|&to| to != from) {
                budget.spend(1);
                let after = left.max(draft.rooms[to as usize].load_with(demand.compute));
                if after < limit && draft.fits(topology, to, class) {
                    let pulls = draft.hold(topology, from, class) - draft.pull(topology, to, class);
                    let found = (after, pulls, to, topology, class);
                    best = Some(best.map_or(found, |best| found.min(best)));
                }
            }
        }
    }
    best.map(|(_, _, to, topology, class)| (topology, class, from, to))
}
