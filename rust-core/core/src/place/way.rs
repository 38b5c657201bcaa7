//! How a placement is reached from where executors run.
//!
//! New workers start beside the old ones where nodes have slots and memory for both. Where they have not for all
//! of them at once, the move has stages; where they have not even for some, the topology has to stop meanwhile.

use std::collections::BTreeSet;

use thalweg_place::{Load, Migration, Node, Placement, SlotId, Topology};

use super::problem::{PlaceExecutor, Problem};
use super::solver::{carrier, component};
use crate::model::SlotRef;

/// The way to a placement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// All new workers can start beside the old ones.
    Beside,
    /// Some can; the others find room once these have moved.
    Staged {
        /// The executors that move first, by index.
        first: BTreeSet<usize>,
        /// How many stages there are.
        stages: u32,
    },
    /// None can before an old one ends.
    Stopped,
}

/// The way from where executors run to `placement`, on which no node is loaded above `limit` unless it is already.
///
/// `replaced` are executors that run but are not desired any more.
pub fn way(
    problem: &Problem,
    replaced: &[PlaceExecutor],
    placement: &[SlotRef],
    limit: Load,
) -> Way {
    let all: Vec<&PlaceExecutor> = problem.executors.iter().chain(replaced).collect();
    let from = all.iter().map(|executor| executor.current.map(id)).collect();
    let to = placement.iter().map(|slot| Some(id(*slot))).chain(replaced.iter().map(|_| None));
    // Memory that nobody declared is a guess, and no reason to stop a topology.
    let sure = problem.of_declarations();
    let problem = sure.as_ref().unwrap_or(problem);
    let node = |node| match carrier(node) {
        found if problem.memory_declared => found,
        found => Node { memory: None, ..found },
    };
    let topology = Topology {
        components: all.iter().map(|executor| component(executor, None)).collect(),
        executors: (0..).take(all.len()).collect(),
        ..Topology::default()
    };
    let problem = thalweg_place::Problem {
        nodes: problem.nodes.iter().map(node).collect(),
        topologies: vec![topology],
    };
    let (from, to) = (Placement(vec![from]), Placement(vec![to.collect()]));
    let migration = Migration::plan(&problem, &from, &to, limit);
    match migration.stages() {
        [] => Way::Beside,
        [first, ..] if first.stops_first => Way::Stopped,
        [_] => Way::Beside,
        stages => Way::Staged {
            first: stages[0].moves.iter().map(|step| step.executor as usize).collect(),
            stages: stages.len() as u32,
        },
    }
}

/// Only equality of slots matters to the way, so that the port will do for an ordinal.
fn id(slot: SlotRef) -> SlotId {
    SlotId { node: slot.node, slot: slot.port }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::place::{PlaceNode, Role};

    const FULL: Load = Load::from_millionths(u64::MAX);

    fn at(node: u32, port: u32) -> SlotRef {
        SlotRef { node, port }
    }

    fn executor(mib: u32, current: SlotRef) -> PlaceExecutor {
        PlaceExecutor {
            role: Role::Work,
            demand: 500_000,
            off_heap_mib: mib,
            current: Some(current),
            ..PlaceExecutor::default()
        }
    }

    /// Nodes of 1000 MiB and the power of one reference node.
    fn problem(nodes: usize, executors: Vec<PlaceExecutor>) -> Problem {
        let node = PlaceNode { power_milli: 1000, memory_mib: Some(1000), ..PlaceNode::default() };
        Problem { nodes: vec![node; nodes], executors, memory_declared: true, ..Problem::default() }
    }

    #[test]
    fn what_has_room_moves_at_once() {
        let cluster = problem(2, vec![executor(400, at(0, 1)), executor(400, at(0, 2))]);
        assert_eq!(way(&cluster, &[], &[at(1, 1), at(1, 2)], FULL), Way::Beside);
        assert_eq!(way(&cluster, &[], &[at(0, 1), at(0, 2)], FULL), Way::Beside, "nothing moves");
    }

    #[test]
    fn what_waits_for_memory_moves_later() {
        let cluster = problem(3, vec![executor(600, at(0, 1)), executor(600, at(1, 1))]);
        let desired = [at(1, 2), at(2, 1)];
        let first = BTreeSet::from([1]);
        assert_eq!(way(&cluster, &[], &desired, FULL), Way::Staged { first, stages: 2 });
        let guessed = Problem { memory_declared: false, ..cluster };
        assert_eq!(way(&guessed, &[], &desired, FULL), Way::Beside, "nobody declared memory");
    }

    #[test]
    fn what_waits_for_compute_moves_later_if_that_is_asked_for() {
        let busy = |executor| PlaceExecutor { demand: 800_000, ..executor };
        let executors = [executor(10, at(0, 1)), executor(10, at(1, 1))].map(busy).to_vec();
        let (cluster, desired) = (problem(3, executors), [at(1, 2), at(2, 1)]);
        let first = BTreeSet::from([1]);
        assert_eq!(way(&cluster, &[], &desired, Load::FULL), Way::Staged { first, stages: 2 });
        assert_eq!(way(&cluster, &[], &desired, FULL), Way::Beside);
    }

    #[test]
    fn what_only_fits_in_each_others_place_is_stopped() {
        let cluster = problem(2, vec![executor(600, at(0, 1)), executor(600, at(1, 1))]);
        assert_eq!(way(&cluster, &[], &[at(1, 2), at(0, 2)], FULL), Way::Stopped);
    }

    #[test]
    fn a_worker_that_changes_in_its_slot_is_stopped() {
        let cluster = problem(2, vec![executor(10, at(0, 1)), executor(10, at(1, 1))]);
        assert_eq!(way(&cluster, &[], &[at(0, 1), at(0, 1)], FULL), Way::Stopped);
    }

    #[test]
    fn executors_that_are_replaced_still_take_memory() {
        let fresh = PlaceExecutor { current: None, ..executor(300, at(0, 1)) };
        let cluster = problem(1, vec![fresh; 2]);
        let desired = [at(0, 2), at(0, 3)];
        assert_eq!(way(&cluster, &[executor(300, at(0, 1))], &desired, FULL), Way::Beside);
        let larger = executor(600, at(0, 1));
        assert_ne!(way(&cluster, &[larger], &desired, FULL), Way::Beside);
    }
}
