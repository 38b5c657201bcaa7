use std::collections::BTreeMap;

use super::*;

fn at(node: u32, port: u32) -> SlotRef {
    SlotRef { node, port }
}

fn executor(role: Role, current: SlotRef) -> PlaceExecutor {
    PlaceExecutor { role, demand: 500_000, current: Some(current), ..PlaceExecutor::default() }
}

/// A source and work together on the first node, and work alone on the second of three.
fn problem() -> Problem {
    let slots = (1..=4).map(|port| PlaceSlot { port, taken: false }).collect();
    let node = PlaceNode { power_milli: 1000, usable: true, slots, ..PlaceNode::default() };
    let executors = vec![
        executor(Role::Pinned, at(0, 1)),
        executor(Role::Work, at(0, 1)),
        executor(Role::Work, at(1, 1)),
        executor(Role::Work, at(1, 1)),
    ];
    Problem {
        nodes: vec![node; 3],
        executors,
        held: BTreeMap::from([(at(0, 1), 2), (at(1, 1), 2)]),
        pinned_per_worker: 16,
        ..Problem::default()
    }
}

#[test]
fn work_leaves_a_node_and_the_worker_with_the_source_is_not_touched() {
    let mut problem = problem();
    problem.nodes[1].usable = false;
    let placement = place_around(&problem).expect("one node has nothing to do");
    assert_eq!(placement[..2], [at(0, 1), at(0, 1)]);
    assert!(placement[2..].iter().all(|slot| slot.node != 1 && *slot != at(0, 1)));
    let fresh = place(&problem).expect("there is room");
    assert_ne!(fresh[0], at(0, 1), "a fresh start gives the source a worker of its own");
}

#[test]
fn a_stop_is_spared_where_what_is_left_is_good_enough() {
    let mut problem = problem();
    problem.nodes[1].usable = false;
    let fresh = place(&problem).expect("there is room");
    let around = place_around(&problem).expect("one node has nothing to do");
    assert_eq!(spares_a_stop(&problem, &fresh, 0), Some(around.clone()));
    assert_eq!(spares_a_stop(&problem, &around, 0), None, "it does not stop anyway");
    problem.nodes[0].power_milli = 100;
    let fresh = place(&problem).expect("there is room");
    assert_eq!(spares_a_stop(&problem, &fresh, 0), None, "what stays is on a slow node");
    assert_eq!(spares_a_stop(&problem, &fresh, u64::MAX), place_around(&problem));
}

#[test]
fn a_worker_whose_set_changes_or_whose_node_is_to_be_left_cannot_stay() {
    let mut changed = problem();
    changed.executors[1].current = None;
    changed.executors.push(PlaceExecutor { current: None, ..changed.executors[1] });
    changed.executors[0].role = Role::Pinned;
    changed.executors.push(executor(Role::Work, at(0, 1)));
    changed.held.insert(at(0, 1), 3);
    assert_eq!(place_around(&changed), None);
    let mut left = problem();
    left.nodes[0].usable = false;
    assert_eq!(place_around(&left), None);
}

#[test]
fn no_worker_is_left_for_the_rest_where_all_that_it_may_have_stay() {
    let mut problem = problem();
    problem.nodes[1].usable = false;
    problem.most_workers = Some(1);
    assert_eq!(place_around(&problem), None);
    problem.most_workers = Some(2);
    assert!(place_around(&problem).is_some());
}
