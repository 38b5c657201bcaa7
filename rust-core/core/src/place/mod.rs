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
//! Phases: (1) *pinned executors*, the sources and the engine's acknowledging executors, get workers of
//! their own, so that everything else can be replaced while they run on, and leave only nodes that
//! are far slower than others; (2) work executors get nodes by `thalweg_place`, starting from where
//! they are, changed by whole workers, if that comes near what a fresh start would give, and no node
//! starts a worker for next to nothing; (3) each node's executors get slots: the same set keeps its
//! slot, a changed set gets a fresh one, so that the new worker can start beside the old.
//!
//! Where pinned executors and work find no room apart, or only one worker, `fitting` lets them share workers; `around` changes
//! what can be changed without touching such workers.
//!
//! Where a slot is a share of its node instead of a worker, `sharing` does it all another way.
//!
//! It does not place several topologies at once: topologies with declared resources are first placed
//! by [`cluster`](crate::cluster), together.

mod around;
mod fitting;
mod fragmentation;
mod node_choice;
mod pinned;
mod problem;
mod quality;
mod rules;
mod sharing;
mod slots;
mod solver;
mod way;

pub use fitting::Completed;
pub use problem::{PlaceEdge, PlaceExecutor, PlaceNode, PlaceSlot, Problem, Role, Shortage};
pub use quality::worst_load;
pub use way::{Way, way};

use around::Outside;
use quality::{DRAIN_PERCENT, LOYALTY_PERCENT};
use sharing::share;
use thalweg_place::Lack;

use crate::model::SlotRef;
use crate::settings::SlotRule;

/// Gives each executor of the problem a slot.
///
/// # Errors
/// When there are too few slots, executors find no room for the memory that was declared, or a component cannot be
/// spread over nodes as its user asks.
pub fn place(problem: &Problem) -> Result<Vec<SlotRef>, Shortage> {
    within(problem).or_else(|short| {
        let sure = problem.of_declarations().ok_or(short)?;
        within(&sure).map_err(|_| short)
    })
}

/// The same within what other topologies leave of nodes' memory, declared or not.
fn within(problem: &Problem) -> Result<Vec<SlotRef>, Shortage> {
    match (problem.rule, problem.most_workers) {
        (SlotRule::Shared | SlotRule::Engine, _) => share(problem),
        // An engine's own scheduler puts sources and work into the same workers.
        (SlotRule::EngineWorkers, _) | (SlotRule::Workers, Some(..=1)) => together(problem),
        (SlotRule::Workers, _) => {
            apart(problem).or_else(|short| together(problem).map_err(|_| short))
        }
    }
}

/// What can be had in the place of a fresh start that stops the topology, without touching a worker in which pinned
/// executors run: as good up to what a stop is worth, or at least with no node fuller than `good_enough`.
pub fn spares_a_stop(
    problem: &Problem,
    fresh: &[SlotRef],
    good_enough: u64,
) -> Option<Vec<SlotRef>> {
    let moves = |pinned: usize| {
        problem.executors[pinned].current.is_some_and(|current| current != fresh[pinned])
    };
    if !problem.rule.changes_in_parts() || !problem.of_role(Role::Pinned).any(moves) {
        return None;
    }
    let limit = (worst_load(problem, fresh) * DRAIN_PERCENT / 100).max(good_enough);
    place_around(problem).filter(|around| worst_load(problem, around) <= limit)
}

/// Gives each executor a slot while all workers with pinned executors stay, also those that run work besides.
fn place_around(problem: &Problem) -> Option<Vec<SlotRef>> {
    let outside = Outside::of(problem)?;
    let mut placement: Vec<Option<SlotRef>> =
        problem.executors.iter().map(|executor| executor.current).collect();
    for (index, slot) in outside.executors.into_iter().zip(place(&outside.problem).ok()?) {
        placement[index] = Some(slot);
    }
    let placement = checked(problem, placement).ok()?;
    let stays = |pinned: usize| problem.executors[pinned].current == Some(placement[pinned]);
    problem.of_role(Role::Pinned).all(stays).then_some(placement)
}

/// Gives each executor that runs nowhere a slot, as far as there are any; what runs stays.
///
/// A topology of which nothing runs is placed whole or not at all: a part of it would only hold slots that others
/// could use.
pub fn complete(problem: &Problem) -> Completed {
    let found = completed(problem);
    if found.lacking.is_empty() {
        return found;
    }
    // It copies the problem, which most rounds need not do.
    problem.of_declarations().map_or(found, |sure| completed(&sure))
}

fn completed(problem: &Problem) -> Completed {
    let now = || problem.executors.iter().map(|executor| executor.current);
    let short = match within(problem) {
        Ok(placement) => {
            let slots: Vec<Option<SlotRef>> =
                now().zip(placement).map(|(slot, new)| slot.or(Some(new))).collect();
            // The placement may have counted on room that running executors do not leave after all.
            match problem.fault(&slots) {
                None => return Completed { slots, lacking: Vec::new() },
                Some(short) => short,
            }
        }
        Err(short) => short,
    };
    if problem.rule.is_shared() {
        return Completed { slots: now().collect(), lacking: short.of_missing(problem) };
    }
    let filled = fitting::fill_gaps(problem);
    if filled.lacking.is_empty() || now().any(|slot| slot.is_some()) {
        return filled;
    }
    Completed { slots: now().collect(), ..filled }
}

/// Pinned executors and work in workers of their own.
fn apart(problem: &Problem) -> Result<Vec<SlotRef>, Shortage> {
    let mut room = slots::Room::of(problem);
    let Some(any) = room.any() else {
        return Err(Shortage::Slots { needed: 1, usable_nodes: problem.usable_nodes() });
    };
    if room.total() == 1 {
        return checked(problem, vec![Some(any); problem.executors.len()]);
    }
    let mut placed: Vec<Option<SlotRef>> = vec![None; problem.executors.len()];
    pinned::place(problem, &mut room, &mut placed);
    let nodes = node_choice::assign(problem, &room, &placed)?;
    slots::fill(problem, &mut room, &nodes, &mut placed);
    checked(problem, placed)
}

/// Pinned executors and work in the same workers: where they are as long as that is nearly as good as anywhere else.
fn together(problem: &Problem) -> Result<Vec<SlotRef>, Shortage> {
    let fresh = whole(problem, fitting::anew(problem));
    let Ok(loyal) = whole(problem, fitting::fill_gaps(problem)) else { return fresh };
    if !loyal.iter().all(|slot| problem.is_open(*slot)) {
        return fresh;
    }
    let Ok(fresh) = fresh else { return Ok(loyal) };
    let worst = |placement: &[SlotRef]| worst_load(problem, placement);
    let enough = (worst(&fresh) * LOYALTY_PERCENT / 100).max(problem.comfort);
    Ok(if worst(&loyal) <= enough { loyal } else { fresh })
}

/// A placement by `fitting` if it is whole, or what it lacks.
fn whole(problem: &Problem, found: Completed) -> Result<Vec<SlotRef>, Shortage> {
    match found.lacking.first() {
        Some(&(.., lack)) => {
            let executors = found.lacking.iter().map(|(_, executors, _)| executors).sum();
            Err(Shortage::Resources { executors, lack })
        }
        None => checked(problem, found.slots),
    }
}

/// A whole placement that overcommits nothing.
fn checked(problem: &Problem, placed: Vec<Option<SlotRef>>) -> Result<Vec<SlotRef>, Shortage> {
    if let Some(short) = problem.fault(&placed) {
        return Err(short);
    }
    let missing = placed.iter().filter(|slot| slot.is_none()).count();
    placed.into_iter().collect::<Option<Vec<SlotRef>>>().ok_or(Shortage::Resources {
        executors: u32::try_from(missing).unwrap_or(u32::MAX),
        lack: Lack::Slot,
    })
}

/// The load of each node under a placement: demand over power, in millionths of a reference node.
#[cfg(test)]
fn loads(problem: &Problem, placement: &[SlotRef]) -> Vec<u64> {
    let places = placement.iter().enumerate().map(|(e, slot)| (e, slot.node as usize));
    let demand = problem.node_demands(places);
    demand.iter().zip(&problem.nodes).map(|(demand, node)| node.load(*demand)).collect()
}

#[cfg(test)]
mod around_tests;
#[cfg(test)]
mod tests;
