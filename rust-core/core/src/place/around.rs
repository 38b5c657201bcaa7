//! Placement around workers that are to stay as they are.

use std::collections::{BTreeMap, BTreeSet};

use super::problem::{Problem, Role};
use super::slots::is_whole;
use crate::model::SlotRef;

/// Slots of the topology in which pinned executors and work run together, so that neither can be replaced without a
/// stop.
fn shared_with_work(problem: &Problem) -> BTreeSet<SlotRef> {
    let of = |role| {
        let slots = problem.of_role(role).filter_map(|e| problem.executors[e].current);
        slots.collect::<BTreeSet<SlotRef>>()
    };
    of(Role::Pinned).intersection(&of(Role::Work)).copied().collect()
}

/// The executors that may go elsewhere without touching a worker in which pinned executors and work run together.
pub(super) struct Outside {
    /// Their indexes in the whole problem.
    pub executors: Vec<usize>,
    /// The problem of placing them.
    pub problem: Problem,
}

impl Outside {
    /// What is outside of such workers; nothing where there are none, or one of them has to change.
    pub fn of(problem: &Problem) -> Option<Self> {
        let stay = shared_with_work(problem);
        let mut inside: BTreeMap<SlotRef, Vec<usize>> = BTreeMap::new();
        for (index, executor) in problem.executors.iter().enumerate() {
            if let Some(slot) = executor.current.filter(|slot| stay.contains(slot)) {
                inside.entry(slot).or_default().push(index);
            }
        }
        let untouched = |(slot, executors): (&SlotRef, &Vec<usize>)| {
            is_whole(problem, *slot, executors.len()) && problem.is_open(*slot)
        };
        if stay.is_empty() || !inside.iter().all(untouched) {
            return None;
        }
        let inside: BTreeSet<usize> = inside.into_values().flatten().collect();
        let executors: Vec<usize> =
            (0..problem.executors.len()).filter(|index| !inside.contains(index)).collect();
        let problem = without(problem, &stay, &inside, &executors)?;
        Some(Self { executors, problem })
    }
}

/// The problem that is left once workers and what they run are as good as another topology's.
fn without(
    problem: &Problem,
    stay: &BTreeSet<SlotRef>,
    inside: &BTreeSet<usize>,
    outside: &[usize],
) -> Option<Problem> {
    let mut rest = problem.clone();
    rest.executors = outside.iter().map(|&index| problem.executors[index]).collect();
    rest.held.retain(|slot, _| !stay.contains(slot));
    for slot in stay {
        let node = rest.nodes.get_mut(slot.node as usize)?;
        node.slots.iter_mut().filter(|s| s.port == slot.port).for_each(|s| s.taken = true);
    }
    for &index in inside {
        let executor = &problem.executors[index];
        let node = rest.nodes.get_mut(executor.current?.node as usize)?;
        node.base_load = node.base_load.saturating_add(executor.demand);
        node.memory_mib = node.memory_mib.map(|mib| mib.saturating_sub(executor.memory_mib()));
    }
    if let Some(most) = rest.most_workers {
        let left = most.saturating_sub(u32::try_from(stay.len()).ok()?);
        if left == 0 && !outside.is_empty() {
            return None;
        }
        rest.most_workers = Some(left);
    }
    Some(rest)
}
