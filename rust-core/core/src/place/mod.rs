//! Where executors run.
//!
//! **Decides** a slot for each executor of one topology. **Input**: nodes with powers and slots,
//! executors with demands and their present slots; all in ordinals and integers. **Output**: a slot
//! per executor, or what is missing.
//!
//! Wanted, in this order: every executor has a slot on a usable node that has the memory for it; the
//! worst node's load is small; little traffic crosses nodes; few executors move; a worker whose
//! executors did not change stays as it is.
//!
//! Phases: (1) *anchors*, the sources and the engine's acknowledging executors, get workers of
//! their own, so that everything else can be replaced while they run on, and leave only nodes that
//! are far slower than others; (2) work executors get nodes by `thalweg_place`, starting from where
//! they are, changed by whole workers, if that comes near what a fresh start would give, and no node
//! starts a worker for next to nothing; (3) each node's executors get slots: the same set keeps its
//! slot, a changed set gets a fresh one, so that the new worker can start beside the old.
//!
//! Where a slot is a share of its node instead of a worker, `sharing` does it all another way.
//!
//! It does not place several topologies at once: topologies with declared resources are first placed
//! by [`cluster`](crate::cluster), together.

mod anchors;
mod asked;
mod crumbs;
mod nodes;
mod problem;
mod sharing;
mod slots;
mod table;
mod way;

pub use problem::{PlaceEdge, PlaceExecutor, PlaceNode, PlaceSlot, Problem, Role, Shortage};
pub use table::{MigrationRow, Slot, migration};
pub use way::{Way, way};

use sharing::share;

use crate::model::SlotRef;
use crate::settings::SlotRule;

/// Workers stay as they are while the worst load is within this percentage of a fresh start's: less is
/// not worth the restart of one.
const LOYALTY_PERCENT: u64 = 110;
/// What can be had beside running workers is preferred to a fresh start, which mostly stops the topology
/// for a while, up to this percentage of the fresh start's worst load.
const DRAIN_PERCENT: u64 = 125;

/// Gives each executor of the problem a slot.
///
/// # Errors
/// When there are too few slots, executors find no room for the memory that was declared, or a component cannot be
/// spread over nodes as its user asks.
pub fn place(problem: &Problem) -> Result<Vec<SlotRef>, Shortage> {
    match problem.rule {
        SlotRule::Workers => {
            let placement = by_workers(problem)?;
            let places = placement.iter().enumerate().map(|(e, slot)| (e, slot.node as usize));
            problem.crowding(places).map_or(Ok(placement), Err)
        }
        _ => share(problem),
    }
}

fn by_workers(problem: &Problem) -> Result<Vec<SlotRef>, Shortage> {
    let mut room = slots::Room::of(problem);
    if room.total() == 0 {
        return Err(Shortage::Slots { needed: 1, usable_nodes: problem.usable_nodes() });
    }
    let mut placed: Vec<Option<SlotRef>> = vec![None; problem.executors.len()];
    if room.total() == 1 {
        let only = room.any().expect("one slot was counted");
        return Ok(vec![only; problem.executors.len()]);
    }
    anchors::place(problem, &mut room, &mut placed);
    let nodes = nodes::assign(problem, &room, &placed)?;
    slots::fill(problem, &mut room, &nodes, &mut placed);
    Ok(placed.into_iter().map(|slot| slot.expect("anchors and work were both placed")).collect())
}

/// The load of each node under a placement: demand over power, in millionths of a reference node.
pub fn loads(problem: &Problem, placement: &[SlotRef]) -> Vec<u64> {
    let places = placement.iter().enumerate().map(|(e, slot)| (e, slot.node as usize));
    let demand = problem.node_demands(places);
    demand.iter().zip(&problem.nodes).map(|(demand, node)| node.load(*demand)).collect()
}

#[cfg(test)]
mod tests;
