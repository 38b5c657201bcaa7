//! Ways between placements.

mod support;

use proptest::prelude::*;
use support::*;
use thalweg_place::{
    Basis, Budget, Freedom, Load, Migration, Placement, Problem, Refused, SlotId, place,
};

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
    drained.freedom = Freedom::All;
    drained
}

#[test]
fn draining_a_node_empties_it_and_undoing_brings_everything_back() {
    let wanted = topology(&[(4, 10, 100), (8, 10, 100)], &[(0, 1)]);
    let cluster = problem(vec![node(200, 4000); 3], vec![wanted.clone(), wanted]);
    let before = placed(&cluster).placement;
    let busy = before.0[0][0].expect("placed").node;
    let empty = drained(&cluster, busy as usize);
    let after = place(&empty, &before, &mut Budget::steps(STEPS)).placement;
    assert!(after.0.iter().flatten().flatten().all(|slot| slot.node != busy));
    let mut migration = Migration::plan(&cluster, &before, &after, Load::FULL, Basis::default());
    assert_eq!(walk(&cluster, &before, &migration, 1.0), after);
    assert!(
        migration
            .stages()
            .iter()
            .all(|stage| !stage.stops_first && stage.cost.workers_restarted > 0)
    );
    while migration.next(&Basis::default()).expect("nothing has changed").is_some() {
        migration.confirm();
    }
    migration.reverse();
    assert_eq!(walk(&cluster, &after, &migration, 1.0), before);
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
    let migration =
        Migration::plan(&cluster, &at([0, 1]), &at([1, 0]), Load::FULL, Basis::default());
    assert_eq!(migration.stages().len(), 2);
    assert!(migration.stages()[0].stops_first);
    assert_eq!(migration.stages()[0].cost.memory_moved, 600);
}

#[test]
fn a_stale_or_stopped_plan_hands_out_nothing() {
    let cluster = problem(vec![node(100, 4000); 2], vec![topology(&[(2, 10, 100)], &[])]);
    let before = placed(&cluster).placement;
    let after = Placement(vec![vec![Some(SlotId { node: 1, slot: 0 }); 2]]);
    let basis = Basis { epoch: 3, generations: vec![7], cluster: 9 };
    let mut migration = Migration::plan(&cluster, &before, &after, Load::FULL, basis.clone());
    assert!(matches!(migration.next(&basis), Ok(Some(_))));
    let stale = [
        (Basis { epoch: 4, ..basis.clone() }, Refused::Epoch { planned: 3, found: 4 }),
        (Basis { generations: vec![8], ..basis.clone() }, Refused::Topology { topology: 0 }),
        (Basis { cluster: 1, ..basis.clone() }, Refused::Cluster),
    ];
    for (now, refused) in stale {
        assert_eq!(migration.next(&now), Err(refused));
    }
    migration.stop();
    assert_eq!(migration.next(&basis), Err(Refused::Stopped));
    migration.resume();
    migration.slow(30);
    assert_eq!(migration.pause_secs(), 30);
    migration.confirm();
    assert_eq!(migration.next(&basis), Ok(None));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn no_way_overloads_a_node(seed in any::<u64>(), node in 0usize..4) {
        let mut cluster = random(seed, 20, 5);
        for topology in &mut cluster.topologies {
            topology.comfort = Load::FULL;
        }
        let before = placed(&cluster).placement;
        let empty = drained(&cluster, node % cluster.nodes.len());
        let found = place(&empty, &before, &mut Budget::steps(STEPS));
        prop_assume!(found.score.unplaced == 0 && before.0.iter().flatten().all(Option::is_some));
        let basis = Basis::default();
        let migration = Migration::plan(&cluster, &before, &found.placement, Load::FULL, basis);
        // A unit that is stopped first may have to go where it does not fit beside others yet.
        prop_assume!(migration.stages().iter().all(|stage| !stage.stops_first));
        prop_assert_eq!(walk(&cluster, &before, &migration, 1.0), found.placement);
    }
}
