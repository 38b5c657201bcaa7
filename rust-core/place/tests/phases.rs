//! Worked examples, small enough to be checked by hand.

mod support;

use support::*;
use thalweg_place::{
    Budget, Component, Lack, Load, Mebibytes, Placement, Problem, Role, SlotId, Topology, place,
};

fn nodes_of(problem: &Problem, placement: &Placement, topology: usize) -> Vec<u32> {
    assert_eq!(placement.0[topology].len(), problem.topologies[topology].executors.len());
    placement.0[topology].iter().flatten().map(|slot| slot.node).collect()
}

#[test]
fn a_topology_that_fits_on_one_node_crosses_nothing() {
    // 4 executors of 20 points need 80 of the 100 points of one node.
    let problem =
        problem(vec![node(100, 4000); 3], vec![topology(&[(2, 20, 100), (2, 20, 100)], &[(0, 1)])]);
    let placed = placed(&problem);
    assert_eq!(nodes_of(&problem, &placed.placement, 0), [0; 4]);
    assert_eq!((placed.score.crossing, placed.score.worst), (0, Load::ZERO));
}

#[test]
fn a_topology_that_does_not_is_cut_where_least_is_exchanged() {
    // A chain of two pairs that exchange much, joined by an edge that carries little: two nodes.
    let mut chain = topology(
        &[(2, 25, 100), (2, 25, 100), (2, 25, 100), (2, 25, 100)],
        &[(0, 1), (1, 2), (2, 3)],
    );
    chain.edges[1].traffic = thalweg_place::Traffic::new(10);
    let problem = problem(vec![node(100, 4000); 2], vec![chain]);
    let placed = placed(&problem);
    let nodes = nodes_of(&problem, &placed.placement, 0);
    assert_eq!((nodes[0], nodes[4]), (nodes[3], nodes[7]), "{nodes:?}");
    assert_ne!(nodes[0], nodes[4]);
    assert_eq!(crossing(&problem, &placed.placement), 10.0);
}

#[test]
fn without_comfort_load_follows_compute() {
    let topology = Topology { comfort: Load::ZERO, ..topology(&[(7, 10, 10)], &[]) };
    let problem = problem(vec![node(100, 4000), node(50, 4000), node(25, 4000)], vec![topology]);
    let mut loads = loads(&problem, &placed(&problem).placement);
    loads.sort_by(f64::total_cmp);
    assert_eq!(loads, [0.4, 0.4, 0.4]);
}

#[test]
fn components_lie_in_equal_proportion_on_every_node() {
    // 8 senders and 16 receivers on four nodes: 2 and 4 on each, so a local shuffle stays even.
    let problem =
        problem(vec![node(100, 9000); 4], vec![topology(&[(8, 10, 10), (16, 20, 10)], &[(0, 1)])]);
    let placed = placed(&problem);
    for node in 0..4 {
        let here = |executors: std::ops::Range<usize>| {
            placed.placement.0[0][executors]
                .iter()
                .flatten()
                .filter(|slot| slot.node == node)
                .count()
        };
        assert_eq!((here(0..8), here(8..24)), (2, 4), "{:?}", placed.placement);
    }
}

#[test]
fn sources_have_workers_of_their_own_and_heap_bounds_workers() {
    let mut wanted = topology(&[(2, 1, 300), (5, 1, 400)], &[(0, 1)]);
    wanted.components[0].role = Role::Pinned;
    wanted.heap_limit = Some(Mebibytes::new(1000));
    let problem = problem(vec![node(100, 9000)], vec![wanted]);
    let placed = placed(&problem);
    assert_sound(&problem, &Placement::empty(&problem), &placed);
    let slots: Vec<u32> = placed.placement.0[0].iter().flatten().map(|slot| slot.slot).collect();
    let (sources, others) = slots.split_at(2);
    assert_eq!(sources[0], sources[1]);
    assert!(!others.contains(&sources[0]));
    let workers: std::collections::BTreeSet<&u32> = others.iter().collect();
    assert_eq!(workers.len(), 3, "1000 MiB of heap are enough for two executors of 400 MiB");
}

#[test]
fn a_worker_counts_as_much_as_it_does_at_least() {
    // A source and an operator of 10 points each, in a worker each that counts as 100.
    let mut wanted = topology(&[(1, 10, 10), (1, 10, 10)], &[(0, 1)]);
    wanted.components[0].role = Role::Pinned;
    wanted.worker_compute = thalweg_place::MilliPoints::new(100_000);
    let problem = problem(vec![node(150, 9000); 2], vec![wanted]);
    let nodes = nodes_of(&problem, &placed(&problem).placement, 0);
    assert_ne!(nodes[0], nodes[1], "two workers of 100 points do not fit on a node of 150");
}

#[test]
fn what_is_missing_is_told_with_its_amount() {
    let cases = [
        (topology(&[(1, 1, 900)], &[]), Lack::Memory(Mebibytes::new(100))),
        (
            Topology { heap_limit: Some(Mebibytes::new(500)), ..topology(&[(1, 1, 600)], &[]) },
            Lack::Heap(Mebibytes::new(100)),
        ),
    ];
    for (wanted, lack) in cases {
        let problem = problem(vec![node(100, 800), node(100, 700)], vec![wanted]);
        let placed = placed(&problem);
        assert_eq!(placed.shortages.len(), 1);
        assert_eq!((placed.shortages[0].executors, placed.shortages[0].lack), (1, lack));
    }
    let mut closed = problem(vec![node(100, 800)], vec![topology(&[(3, 1, 10)], &[])]);
    closed.nodes[0].open = false;
    assert_eq!(placed(&closed).shortages[0].lack, Lack::OpenNode);
    closed.nodes[0].open = true;
    closed.nodes[0].blocked = vec![0, 1, 2, 3];
    assert_eq!(placed(&closed).shortages[0].lack, Lack::Slot);
}

#[test]
fn executors_that_must_be_apart_are() {
    let mut wanted = topology(&[(3, 1, 10)], &[]);
    wanted.components[0] = Component { most_per_node: Some(1), ..wanted.components[0] };
    let apart = problem(vec![node(100, 800); 3], vec![wanted.clone()]);
    let mut nodes = nodes_of(&apart, &placed(&apart).placement, 0);
    nodes.sort_unstable();
    assert_eq!(nodes, [0, 1, 2]);
    let mut racks = problem(vec![node(100, 800); 3], vec![wanted.clone()]);
    racks.topologies[0].components[0].most_per_node = None;
    racks.topologies[0].components[0].most_per_rack = Some(2);
    racks.nodes[2].rack = 1;
    let nodes = nodes_of(&racks, &placed(&racks).placement, 0);
    assert_eq!(nodes.iter().filter(|node| **node == 2).count(), 1);
    let too_few = problem(vec![node(100, 800); 2], vec![wanted]);
    assert_eq!(placed(&too_few).shortages[0].lack, Lack::Spread);
}

#[test]
fn components_that_count_as_one_share_their_limits() {
    let mut wanted = topology(&[(2, 1, 10), (2, 1, 10)], &[]);
    for component in &mut wanted.components {
        (component.most_per_node, component.counts_as) = (Some(2), Some(7));
    }
    let nodes = problem(vec![node(100, 800); 2], vec![wanted.clone()]);
    let on = |nodes: &[u32], node| nodes.iter().filter(|found| **found == node).count();
    let found = nodes_of(&nodes, &placed(&nodes).placement, 0);
    assert_eq!([on(&found, 0), on(&found, 1)], [2, 2]);
    for component in &mut wanted.components {
        (component.most_per_node, component.most_per_rack) = (None, Some(2));
    }
    let mut racks = problem(vec![node(100, 800); 3], vec![wanted]);
    racks.nodes[2].rack = 1;
    let found = nodes_of(&racks, &placed(&racks).placement, 0);
    assert_eq!(on(&found, 2), 2, "the other rack takes half of them: {found:?}");
}

#[test]
fn components_that_may_not_share_a_node_do_not() {
    let mut wanted = topology(&[(2, 1, 10), (2, 1, 10), (2, 1, 10)], &[(0, 1), (1, 2)]);
    wanted.apart = vec![(0, 1)];
    let apart = problem(vec![node(100, 800); 3], vec![wanted.clone()]);
    let found = placed(&apart);
    assert_sound(&apart, &Placement::empty(&apart), &found);
    assert!(found.shortages.is_empty());
    let alone = placed(&problem(vec![node(100, 800)], vec![wanted]));
    assert_eq!(alone.shortages[0].lack, Lack::Spread);
}

#[test]
fn only_the_lost_move_and_no_worker_that_runs_is_joined() {
    let wanted = || topology(&[(4, 10, 100), (8, 10, 100)], &[(0, 1)]);
    let mut cluster = problem(vec![node(60, 4000); 6], vec![wanted(), wanted()]);
    let first = placed(&cluster).placement;
    let dead = first.0[0][0].expect("placed").node;
    cluster.nodes[dead as usize].open = false;
    let mut left = first.clone();
    for slot in left.0.iter_mut().flatten() {
        *slot = slot.filter(|slot| slot.node != dead);
    }
    let repaired = place(&cluster, &left, &mut Budget::steps(STEPS));
    assert_sound(&cluster, &left, &repaired);
    let running: std::collections::BTreeSet<SlotId> =
        left.0.iter().flatten().flatten().copied().collect();
    for (before, after) in left.0.iter().flatten().zip(repaired.placement.0.iter().flatten()) {
        match before {
            Some(_) => assert_eq!(before, after),
            None => {
                assert!(after.is_some_and(|slot| slot.node != dead && !running.contains(&slot)))
            }
        }
    }
    assert_eq!(repaired.score.restarted, 0);
}
