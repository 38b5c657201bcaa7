use proptest::prelude::*;

use super::*;
use crate::model::{Component, ComponentKind, Node};
use crate::plan::partition::partition;

/// `nodes` nodes with ports 1 to 4; one topology: a source with 2 tasks, an operator with 8.
fn cluster(nodes: u32, counts: (u32, u32)) -> Observation {
    let component = |id: &str, kind, tasks| Component {
        id: id.to_owned(),
        kind,
        tasks,
        ..Component::default()
    };
    let components = vec![
        component("words", ComponentKind::Source, TaskRange::new(1, 2)),
        component("split", ComponentKind::Operator, TaskRange::new(3, 10)),
    ];
    let executors = components
        .iter()
        .zip([counts.0, counts.1])
        .zip(0u32..)
        .flat_map(|((c, count), component)| {
            let executor = move |tasks| Executor { component, tasks, slot: None, counters: None };
            partition(c.tasks, count).into_iter().map(executor)
        })
        .collect();
    Observation {
        nodes: (0..nodes)
            .map(|n| Node { id: format!("n{n}"), ports: vec![1, 2, 3, 4], ..Node::default() })
            .collect(),
        topologies: vec![Topology {
            id: "wc-1".to_owned(),
            components,
            executors,
            desired_workers: 3,
            ..Topology::default()
        }],
        ..Observation::default()
    }
}

fn run(view: &Observation, routes: &BTreeMap<String, Routes>) -> Assignment {
    let now = Timestamp::from_millis(1_000);
    assign(view, routes, &Learned::default(), &Settings::default(), now)
}

#[test]
fn a_rebalance_by_hand_is_taken_up_with_the_next_round() {
    let mut view = cluster(3, (2, 2));
    let placed = run(&view, &BTreeMap::new());
    apply(&mut view, &placed);
    let table = BTreeMap::from([("wc-1".to_owned(), as_placed(&view))]);
    // Six executors of the operator instead of two; in that round the engine shows no executor's place.
    let after = cluster(3, (2, 6));
    let answer = run(&after, &table);
    assert!(answer.executors.iter().all(|to| matches!(to, Assigned::To(_))), "{answer:?}");
    let sources = |view: &Observation| view.topologies[0].executors[..2].to_vec();
    let mut then = after.clone();
    apply(&mut then, &answer);
    assert_eq!(
        sources(&then).iter().map(|e| e.slot).collect::<Vec<_>>(),
        sources(&view).iter().map(|e| e.slot).collect::<Vec<_>>(),
        "who stayed the same stays where he was"
    );
}

#[test]
fn what_another_scheduler_keeps_apart_is_left_to_it_wholly() {
    let mut view = cluster(3, (2, 4));
    view.topologies[0].obstacle = Some(Obstacle::KeptApart);
    let answer = run(&view, &BTreeMap::new());
    assert_eq!(answer.executors, vec![Assigned::NotOurs; 6]);
    view.topologies[0].executors[0].slot = Some(SlotRef { node: 0, port: 1 });
    assert_eq!(run(&view, &BTreeMap::new()).executors, vec![Assigned::NotOurs; 6]);
}

fn apply(view: &mut Observation, assignment: &Assignment) {
    for (executor, assigned) in view.topologies[0].executors.iter_mut().zip(&assignment.executors) {
        match assigned {
            Assigned::To(slot) => executor.slot = Some(*slot),
            Assigned::NotOurs | Assigned::NoRoom => executor.slot = None,
            Assigned::Keep => {}
        }
    }
}

fn routes(rows: Vec<(TaskRange, &str, &str, u32)>, committed: bool) -> BTreeMap<String, Routes> {
    let rows = rows
        .into_iter()
        .map(|(tasks, component, node, port)| {
            (tasks, (component.to_owned(), Slot { node: node.to_owned(), port }))
        })
        .collect();
    BTreeMap::from([("wc-1".to_owned(), Routes { rows, committed })])
}

/// The routes that lead where everything runs.
fn as_placed(view: &Observation) -> Routes {
    let topology = &view.topologies[0];
    let desired = present(topology);
    let slots: Vec<SlotRef> = topology.executors.iter().filter_map(|e| e.slot).collect();
    Routes::of(&crate::plan::migration(view, topology, &desired, &slots), false)
}

#[test]
fn a_new_topology_is_placed_whole_and_then_kept() {
    let mut view = cluster(3, (2, 4));
    let first = run(&view, &BTreeMap::new());
    assert!(first.executors.iter().all(|a| matches!(a, Assigned::To(_))));
    apply(&mut view, &first);
    let second = run(&view, &BTreeMap::new());
    assert!(second.executors.iter().all(|a| *a == Assigned::Keep));
}

#[test]
fn a_committed_table_moves_executors_and_an_uncommitted_one_does_not() {
    let mut view = cluster(2, (1, 2));
    let placed = run(&view, &BTreeMap::new());
    apply(&mut view, &placed);
    let rows = |node: &'static str| {
        vec![
            (TaskRange::new(1, 2), "words", "n0", 1),
            (TaskRange::new(3, 6), "split", node, 3),
            (TaskRange::new(7, 10), "split", node, 3),
        ]
    };
    let kept = run(&view, &routes(rows("n1"), false));
    assert!(kept.executors.iter().all(|a| *a == Assigned::Keep));
    let moved = run(&view, &routes(rows("n1"), true));
    apply(&mut view, &moved);
    let slot = Some(SlotRef { node: 1, port: 3 });
    assert!(view.topologies[0].executors[1..].iter().all(|e| e.slot == slot));
    let again = run(&view, &routes(rows("n1"), true));
    assert!(again.executors.iter().all(|a| *a == Assigned::Keep));
}

#[test]
fn a_table_of_other_ranges_waits_for_the_round_that_makes_them() {
    let mut view = cluster(2, (1, 2));
    apply(&mut view.clone(), &run(&view, &BTreeMap::new()));
    let placed = run(&view, &BTreeMap::new());
    apply(&mut view, &placed);
    let rows = vec![
        (TaskRange::new(1, 2), "words", "n0", 1),
        (TaskRange::new(3, 5), "split", "n1", 2),
        (TaskRange::new(6, 8), "split", "n1", 2),
        (TaskRange::new(9, 10), "split", "n1", 2),
    ];
    let waits = run(&view, &routes(rows.clone(), true));
    assert!(waits.executors.iter().all(|a| *a == Assigned::Keep));
    let rebalanced = cluster(2, (1, 3));
    let applied = run(&rebalanced, &routes(rows, true));
    let slot = Assigned::To(SlotRef { node: 1, port: 2 });
    assert_eq!(applied.executors[1..], [slot, slot, slot]);
}

#[test]
fn bad_rows_are_dropped_with_their_fault_and_nothing_stays_unassigned() {
    let mut view = cluster(3, (1, 4));
    view.nodes[2].blacklisted = true;
    let bad = routes(
        vec![
            (TaskRange::new(1, 2), "split", "n0", 1),
            (TaskRange::new(3, 4), "split", "gone", 1),
            (TaskRange::new(5, 6), "split", "n0", 99),
            (TaskRange::new(7, 8), "split", "n2", 1),
            (TaskRange::new(90, 91), "split", "n0", 1),
        ],
        true,
    );
    let answer = run(&view, &bad);
    let faults: Vec<RowFault> = answer.dropped.iter().map(|row| row.fault).collect();
    assert_eq!(
        faults,
        [
            RowFault::WrongComponent,
            RowFault::DeadNode,
            RowFault::UnknownPort,
            RowFault::NodeForbidden,
            RowFault::UnknownExecutor
        ]
    );
    assert!(answer.executors.iter().all(|a| matches!(a, Assigned::To(slot) if slot.node < 2)));
}

#[test]
fn only_what_died_is_placed_again() {
    let mut view = cluster(3, (2, 6));
    let placed = run(&view, &BTreeMap::new());
    apply(&mut view, &placed);
    let table = BTreeMap::from([("wc-1".to_owned(), as_placed(&view))]);
    let dead = view.topologies[0].executors[3].slot.expect("placed").node;
    let id = view.nodes[dead as usize].id.clone();
    view.nodes[dead as usize].ports.clear();
    let mut lost = 0;
    for executor in &mut view.topologies[0].executors {
        if executor.slot.is_some_and(|slot| slot.node == dead) {
            executor.slot = None;
            lost += 1;
        }
    }
    let repaired = run(&view, &table);
    let moved = repaired.executors.iter().filter(|a| matches!(a, Assigned::To(_))).count();
    let kept = repaired.executors.iter().filter(|a| **a == Assigned::Keep).count();
    assert_eq!((moved, kept), (lost, 8 - lost));
    assert!(repaired.dropped.iter().all(|row| row.slot.node == id));
}

proptest! {
    #[test]
    fn no_slot_outside_the_live_cluster_and_none_for_two_topologies(
        nodes in 1u32..5, counts in (1u32..3, 1u32..9), second in any::<bool>(),
        rows in proptest::collection::vec((0u32..12, 0u32..3, 0u32..7, 0u32..7), 0..12), committed in any::<bool>(),
    ) {
        let mut view = cluster(nodes, counts);
        if second {
            let mut other = view.topologies[0].clone();
            other.id = "wc-2".to_owned();
            view.topologies.push(other);
        }
        let table = rows.iter().map(|&(first, len, node, port)| {
            let component = if first < 3 { "words" } else { "split" };
            (TaskRange::new(first, first + len), (component.to_owned(), Slot { node: format!("n{node}"), port }))
        }).collect();
        let routes = BTreeMap::from([("wc-1".to_owned(), Routes { rows: table, committed })]);
        let answer = run(&view, &routes);
        let per = view.topologies[0].executors.len();
        prop_assert_eq!(answer.executors.len(), per * view.topologies.len());
        let mut owner: BTreeMap<SlotRef, usize> = BTreeMap::new();
        for (index, assigned) in answer.executors.iter().enumerate() {
            if let Assigned::To(slot) = assigned {
                prop_assert!(slot.node < nodes && (1..=4).contains(&slot.port));
                prop_assert_eq!(*owner.entry(*slot).or_insert(index / per), index / per);
            }
        }
        prop_assert!(answer.executors[..per].iter().all(|a| *a != Assigned::NotOurs));
    }
}

/// Two sources, a splitter and a counter twice each, and two ackers, in two workers at most; sources are to be on nodes
/// of their own, and splitters on none with a counter.
fn kept_apart() -> Topology {
    let component = |(id, kind, first): (&str, ComponentKind, u32)| Component {
        id: id.to_owned(),
        kind,
        tasks: TaskRange::new(first, first + 1),
        most_per_node: (id == "spout").then_some(1),
        ..Component::default()
    };
    let components = [
        ("__acker", ComponentKind::System, 1),
        ("count", ComponentKind::Operator, 3),
        ("split", ComponentKind::Operator, 5),
        ("spout", ComponentKind::Source, 7),
    ];
    let executor = |task: u32| Executor {
        component: (task - 1) / 2,
        tasks: TaskRange::new(task, task),
        slot: None,
        counters: None,
    };
    Topology {
        id: "apart".to_owned(),
        components: components.into_iter().map(component).collect(),
        executors: (1..=8).map(executor).collect(),
        apart: vec![(2, 1)],
        desired_workers: 2,
        ..Topology::default()
    }
}

proptest! {
    #[test]
    fn what_is_to_be_apart_is_placed_apart_beside_whatever_runs(
        places in prop::collection::vec((0u32..2, 1u32..4), 0..24),
    ) {
        let mut view = cluster(2, (2, 8));
        let mut other = view.topologies.remove(0);
        for (executor, &(node, port)) in other.executors.iter_mut().zip(&places) {
            executor.slot = Some(SlotRef { node, port });
        }
        other.executors.truncate(places.len());
        view.topologies = vec![other, kept_apart()];
        let others = view.topologies[0].executors.len();
        let answer = run(&view, &BTreeMap::new());
        let nodes = |component: u32| -> BTreeSet<Option<u32>> {
            let own = view.topologies[1].executors.iter().zip(&answer.executors[others..]);
            own.filter(|(executor, _)| executor.component == component).map(|(_, to)| match to {
                Assigned::To(slot) => Some(slot.node),
                _ => None,
            }).collect()
        };
        prop_assert_eq!(nodes(3), BTreeSet::from([Some(0), Some(1)]));
        prop_assert!(nodes(1).is_disjoint(&nodes(2)), "{:?}", answer);
    }
}
