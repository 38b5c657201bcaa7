//! Ways between placements.

mod support;

use proptest::prelude::*;
use support::*;
use thalweg_place::{Budget, Load, Migration, Placement, Problem, SlotId, place};

/// The placement after each stage; on the way both the old and the new workers of a stage run.
fn walk(problem: &Problem, from: &Placement, migration: &Migration, limit: f64) -> Placement {
    let mut at = from.clone();
    for stage in migration.stages() {
        let before = loads(problem, &at);
        let mut during: Vec<f64> = before.clone();
        for step in &stage.moves {
            assert_eq!(at.0[step.topology as usize][step.executor as usize], step.from);
            let topology = &problem.topologies[step.topology as usize];
            let demand =
                topology.components[topology.executors[step.executor as usize] as usize].compute;
            let load = |slot: SlotId| {
                f64::from(demand.get()) / f64::from(problem.nodes[slot.node as usize].compute.get())
            };
            during[step.to.node as usize] += load(step.to);
            if let Some(from) = step.from.filter(|_| stage.stops_first) {
                during[from.node as usize] -= load(from);
            }
        }
        for (during, before) in during.iter().zip(&before) {
            assert!(*during <= limit.max(*before) + 1e-9, "a node is overloaded on the way");
        }
        for step in &stage.moves {
            at.0[step.topology as usize][step.executor as usize] = Some(step.to);
        }
    }
    at
}

fn drained(problem: &Problem, node: usize) -> Problem {
    let mut drained = problem.clone();
    drained.nodes[node].open = false;
    drained
}

/// A placement without what ran on a node.
fn without(placement: &Placement, node: u32) -> Placement {
    let mut left = placement.clone();
    for slot in left.0.iter_mut().flatten() {
        *slot = slot.filter(|slot| slot.node != node);
    }
    left
}

#[test]
fn draining_a_node_empties_it_without_a_stop() {
    let wanted = topology(&[(4, 10, 100), (8, 10, 100)], &[(0, 1)]);
    let cluster = problem(vec![node(200, 4000); 3], vec![wanted.clone(), wanted]);
    let before = placed(&cluster).placement;
    let busy = before.0[0][0].expect("placed").node;
    let empty = drained(&cluster, busy as usize);
    let left = without(&before, busy);
    let after = place(&empty, &left, &mut Budget::steps(STEPS)).placement;
    assert!(after.0.iter().flatten().flatten().all(|slot| slot.node != busy));
    let migration = Migration::plan(&cluster, &before, &after, Load::FULL);
    assert_eq!(walk(&cluster, &before, &migration, 1.0), after);
    assert!(
        migration
            .stages()
            .iter()
            .all(|stage| !stage.stops_first && stage.cost.workers_restarted > 0)
    );
}

#[test]
fn two_that_only_fit_in_each_others_place_are_stopped_one_after_the_other() {
    // Nodes of 1000 MiB hold one executor of 600 each, and the executors change places.
    let cluster = problem(
        vec![node(100, 1000); 2],
        vec![topology(&[(1, 1, 600)], &[]), topology(&[(1, 1, 600)], &[])],
    );
    let at = |nodes: [u32; 2]| {
        Placement(nodes.map(|node| vec![Some(SlotId { node, slot: node })]).to_vec())
    };
    let migration = Migration::plan(&cluster, &at([0, 1]), &at([1, 0]), Load::FULL);
    assert_eq!(migration.stages().len(), 2);
    assert!(migration.stages()[0].stops_first);
    assert_eq!(migration.stages()[0].cost.memory_moved, 600);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn no_way_overloads_a_node(seed in any::<u64>(), node in 0usize..4) {
        let mut cluster = random(seed, 20, 5);
        for topology in &mut cluster.topologies {
            topology.comfort = Load::FULL;
        }
        // The way matters here, not how good its ends are.
        let hurried = || Budget::steps(20_000);
        let before = place(&cluster, &Placement::empty(&cluster), &mut hurried()).placement;
        let node = node % cluster.nodes.len();
        let empty = drained(&cluster, node);
        let found = place(&empty, &without(&before, node as u32), &mut hurried());
        prop_assume!(found.score.unplaced == 0 && before.0.iter().flatten().all(Option::is_some));
        let migration = Migration::plan(&cluster, &before, &found.placement, Load::FULL);
        // A unit that is stopped first may have to go where it does not fit beside others yet.
        prop_assume!(migration.stages().iter().all(|stage| !stage.stops_first));
        prop_assert_eq!(walk(&cluster, &before, &migration, 1.0), found.placement);
    }
}
