//! From counts back to executors: which executor gets which slot, and how good that is.

use std::collections::{BTreeMap, BTreeSet};

use crate::draft::Draft;
use crate::problem::{Lack, Placement, Problem, Score, Shortage, SlotId};
use crate::units::{Load, Mebibytes};

/// Gives the executors of every worker their slot. A worker that keeps its executors keeps its slot,
/// any other gets one that its topology does not use yet, so that it can start beside the old one.
pub(crate) fn placement(draft: &Draft<'_>, previous: &Placement) -> Placement {
    let mut free = free_slots(draft.problem, previous);
    let slots =
        (0..draft.sites.len()).map(|topology| of_topology(draft, topology, previous, &mut free));
    Placement(slots.collect())
}

/// Slots that nothing holds, by node; and those that are held, which become free if they are left.
fn free_slots(problem: &Problem, previous: &Placement) -> Vec<BTreeSet<u32>> {
    let mut free: Vec<BTreeSet<u32>> = problem
        .nodes
        .iter()
        .map(|node| (0..node.slots).filter(|slot| !node.blocked.contains(slot)).collect())
        .collect();
    for slot in previous.0.iter().flatten().flatten() {
        if let Some(node) = free.get_mut(slot.node as usize) {
            node.remove(&slot.slot);
        }
    }
    free
}

fn of_topology(
    draft: &Draft<'_>,
    topology: usize,
    previous: &Placement,
    free: &mut [BTreeSet<u32>],
) -> Vec<Option<SlotId>> {
    let components = &draft.problem.topologies[topology].executors;
    let had = previous.0.get(topology);
    let had = |executor: usize| had.and_then(|slots| slots.get(executor).copied().flatten());
    let mut placed: Vec<Option<SlotId>> = vec![None; components.len()];
    // Executors of a worker stay with it as far as it keeps as many of their class.
    let mut present: BTreeMap<(SlotId, u32), Vec<usize>> = BTreeMap::new();
    for (executor, &component) in components.iter().enumerate() {
        if let Some(slot) = had(executor) {
            present.entry((slot, component)).or_default().push(executor);
        }
    }
    let sites = &draft.sites[topology];
    let workers =
        || sites.iter().flat_map(|(&node, site)| site.workers.iter().map(move |w| (node, w)));
    let mut wanting: Vec<Vec<SlotId>> = vec![Vec::new(); draft.summary(topology).classes.len()];
    for (node, worker) in workers() {
        let slot = match worker.slot {
            Some(slot) => SlotId { node, slot },
            None => match free[node as usize].pop_first() {
                Some(slot) => SlotId { node, slot },
                None => continue,
            },
        };
        for (class, &count) in worker.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            let stay = present.get(&(slot, class as u32)).map_or(&[][..], Vec::as_slice);
            let stay = &stay[..stay.len().min(count as usize)];
            for &executor in stay {
                placed[executor] = Some(slot);
            }
            wanting[class].extend(std::iter::repeat_n(slot, count as usize - stay.len()));
        }
    }
    for wanted in &mut wanting {
        wanted.reverse();
    }
    for (executor, &component) in components.iter().enumerate() {
        if placed[executor].is_none() {
            placed[executor] = wanting[component as usize].pop();
        }
    }
    placed
}

/// How good a placement is.
pub(crate) fn score(draft: &Draft<'_>, placement: &Placement, previous: &Placement) -> Score {
    let problem = draft.problem;
    let comfort = problem.topologies.iter().map(|t| t.comfort).min().unwrap_or_default();
    let worst = draft.worst();
    let sets = |placement: &Placement| -> BTreeMap<(usize, SlotId), Vec<usize>> {
        let mut sets: BTreeMap<(usize, SlotId), Vec<usize>> = BTreeMap::new();
        for (topology, slots) in placement.0.iter().enumerate() {
            for (executor, slot) in slots.iter().enumerate() {
                if let Some(slot) = slot {
                    sets.entry((topology, *slot)).or_default().push(executor);
                }
            }
        }
        sets
    };
    let (before, after) = (sets(previous), sets(placement));
    let restarted = before.iter().filter(|(slot, set)| after.get(slot) != Some(set)).count();
    Score {
        unplaced: placement.0.iter().flatten().filter(|slot| slot.is_none()).count() as u32,
        worst: if worst > comfort { worst } else { Load::ZERO },
        crossing: draft.summaries.traffic_of(draft.crossing()),
        restarted: restarted as u32,
        workers: after.len() as u32,
    }
}

/// What is missing for the executors that have no place.
pub(crate) fn shortages(draft: &Draft<'_>) -> Vec<Shortage> {
    let mut shortages = Vec::new();
    for topology in 0..draft.sites.len() {
        for (class, &executors) in
            draft.rest[topology].iter().enumerate().filter(|(_, rest)| **rest > 0)
        {
            let lack = lack(draft, topology, class);
            shortages.push(Shortage {
                topology: topology as u32,
                component: class as u32,
                executors,
                lack,
            });
        }
    }
    shortages
}

fn lack(draft: &Draft<'_>, topology: usize, class: usize) -> Lack {
    let summary = draft.summary(topology);
    let demand = &summary.classes[class];
    let mib = |amount: i64| Mebibytes::new(u32::try_from(amount.max(0)).unwrap_or(u32::MAX));
    if demand.heap > summary.heap_limit {
        return Lack::Heap(mib(demand.heap - summary.heap_limit));
    }
    let open: Vec<u32> =
        (0..draft.rooms.len() as u32).filter(|&n| draft.rooms[n as usize].open).collect();
    let roomy = |node: &u32| draft.rooms[*node as usize].memory_left() >= demand.memory;
    match open.iter().map(|&node| draft.rooms[node as usize].memory_left()).max() {
        None => Lack::OpenNode,
        Some(left) if left < demand.memory => Lack::Memory(mib(demand.memory - left)),
        Some(_) if open.iter().filter(|n| roomy(n)).all(|&n| draft.allows(topology, n, class)) => {
            let free = |node: &&u32| draft.rooms[**node as usize].free_slots > 0;
            let limited =
                !draft.may_start(topology) && open.iter().filter(|n| roomy(n)).any(|n| free(&n));
            if limited { Lack::Worker } else { Lack::Slot }
        }
        Some(_) => Lack::Spread,
    }
}
