//! Clusters without room to spare: whatever has a slot is placed, and the rest is told.

#![allow(missing_docs)]

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use thalweg_core::assign::{Assigned, Assignment, Routes, RowFault, assign};
use thalweg_core::decide;
use thalweg_core::model::{
    Component, ComponentKind, Counters, Edge, Executor, Node, Observation, SlotRef, TaskRange,
    Topology,
};
use thalweg_core::plan::Slot;
use thalweg_core::settings::Settings;
use thalweg_core::state::{Learned, Order, State};
use thalweg_core::units::{Millis, Timestamp};

fn node(index: usize, slots: u32) -> Node {
    Node {
        id: format!("n{index}"),
        host: format!("h{index}"),
        ports: (1..=slots).collect(),
        ..Node::default()
    }
}

/// A source and some operators in a row, of so many executors each; nothing runs.
fn topology(id: &str, counts: &[u32], workers: u32) -> Topology {
    let mut first = 1;
    let mut components = Vec::new();
    let mut executors = Vec::new();
    for (component, &count) in (0u32..).zip(counts) {
        components.push(Component {
            id: format!("c{component}"),
            kind: if component == 0 { ComponentKind::Source } else { ComponentKind::Operator },
            tasks: TaskRange::new(first, first + count - 1),
            ..Component::default()
        });
        executors.extend((first..first + count).map(|task| Executor {
            component,
            tasks: TaskRange::new(task, task),
            slot: None,
            counters: None,
        }));
        first += count;
    }
    let edge = |from| Edge { from, to: from + 1, ..Edge::default() };
    Topology {
        id: id.to_owned(),
        name: id.to_owned(),
        wished_workers: workers,
        edges: (0..counts.len() as u32 - 1).map(edge).collect(),
        components,
        executors,
        ..Topology::default()
    }
}

fn run(view: &Observation, routes: &BTreeMap<String, Routes>) -> Assignment {
    let now = Timestamp::from_millis(1_000);
    assign(view, routes, &Learned::default(), &Settings::default(), now)
}

/// Where everything runs once a round's answer is carried out.
fn after(view: &Observation, answer: &Assignment) -> Vec<Vec<Option<SlotRef>>> {
    let mut answers = answer.executors.iter();
    let of = |executor: &Executor| match answers.next().expect("one for each executor") {
        Assigned::Keep => executor.slot,
        Assigned::To(slot) => Some(*slot),
        Assigned::NoRoom | Assigned::NotOurs => None,
    };
    let mut of = of;
    view.topologies.iter().map(|t| t.executors.iter().map(&mut of).collect()).collect()
}

fn apply(view: &mut Observation, answer: &Assignment) {
    let slots = after(view, answer);
    for (topology, slots) in view.topologies.iter_mut().zip(slots) {
        for (executor, slot) in topology.executors.iter_mut().zip(slots) {
            executor.slot = slot;
        }
    }
}

fn lose(view: &mut Observation, node: u32) {
    view.nodes[node as usize].ports.clear();
    view.nodes[node as usize].blacklisted = true;
    for executor in view.topologies.iter_mut().flat_map(|topology| &mut topology.executors) {
        executor.slot = executor.slot.filter(|slot| slot.node != node);
    }
}

fn usable(node: &Node) -> bool {
    !node.blacklisted && !node.draining
}

/// What holds of every round.
fn check(view: &Observation, answer: &Assignment) {
    let slots = after(view, answer);
    let mut owners: BTreeMap<SlotRef, usize> = BTreeMap::new();
    for (index, (topology, slots)) in view.topologies.iter().zip(&slots).enumerate() {
        for (executor, slot) in topology.executors.iter().zip(slots) {
            let Some(slot) = *slot else { continue };
            assert_eq!(*owners.entry(slot).or_insert(index), index, "{slot:?} has two owners");
            if executor.slot != Some(slot) {
                let node = &view.nodes[slot.node as usize];
                assert!(usable(node) && node.ports.contains(&slot.port), "{slot:?} is no place");
            }
        }
    }
    let held: BTreeSet<SlotRef> =
        view.topologies.iter().flat_map(|t| &t.executors).filter_map(|e| e.slot).collect();
    let open = || (0u32..).zip(&view.nodes).filter(|(_, node)| usable(node));
    let free = open()
        .flat_map(|(node, of)| of.ports.iter().map(move |&port| SlotRef { node, port }))
        .any(|slot| !held.contains(&slot) && !owners.contains_key(&slot));
    for (topology, slots) in view.topologies.iter().zip(&slots) {
        let mut open_count: BTreeMap<&str, u32> = BTreeMap::new();
        for (executor, slot) in topology.executors.iter().zip(slots) {
            if slot.is_none() {
                let component = &topology.components[executor.component as usize].id;
                *open_count.entry(component).or_default() += 1;
            }
        }
        let here = |slot: &SlotRef| usable(&view.nodes[slot.node as usize]);
        let joins = slots.iter().flatten().any(here);
        let workers: BTreeSet<&SlotRef> = slots.iter().flatten().collect();
        let may_start = workers.len() < topology.wished_workers as usize;
        let has_room = joins || free && may_start;
        assert!(open_count.is_empty() || !has_room, "a slot for {} is left", topology.id);
        let had: BTreeSet<SlotRef> = topology.executors.iter().filter_map(|e| e.slot).collect();
        let most = had.len().max(topology.wished_workers as usize);
        let comes = |(e, slot): (&Executor, &Option<SlotRef>)| slot.is_some() && e.slot.is_none();
        let filled = topology.executors.iter().zip(slots).any(comes);
        assert!(!filled || workers.len() <= most, "{} has {} workers", topology.id, workers.len());
        let mut told: BTreeMap<&str, u32> = BTreeMap::new();
        for lacking in answer.lacking.iter().filter(|lacking| lacking.topology == topology.id) {
            *told.entry(&lacking.component).or_default() += lacking.executors;
        }
        assert_eq!(told, open_count, "what is told of {}", topology.id);
    }
    assert!(!answer.executors.contains(&Assigned::NotOurs));
}

#[test]
fn what_a_dead_node_ran_joins_what_is_left_where_every_slot_is_in_use() {
    for slots in [1, 2] {
        let mut view = Observation {
            nodes: (0..3).map(|index| node(index, slots)).collect(),
            topologies: vec![topology("a", &[1, 2, 3], 3 * slots)],
            ..Observation::default()
        };
        let placed = run(&view, &BTreeMap::new());
        apply(&mut view, &placed);
        for dead in 0..3 {
            let mut view = view.clone();
            lose(&mut view, dead);
            let answer = run(&view, &BTreeMap::new());
            check(&view, &answer);
            assert!(answer.lacking.is_empty(), "{slots} slots, node {dead}: {answer:?}");
        }
    }
}

#[test]
fn topologies_that_lose_a_node_go_on_in_the_slots_they_have() {
    for topologies in 2..=4 {
        let mut view = Observation {
            nodes: (0..3).map(|index| node(index, 4)).collect(),
            topologies: (0..topologies)
                .map(|index| topology(&format!("t{index}"), &[1, 1, 1, 1, 1, 1, 1], 3))
                .collect(),
            ..Observation::default()
        };
        let placed = run(&view, &BTreeMap::new());
        apply(&mut view, &placed);
        for dead in 0..3 {
            let mut view = view.clone();
            lose(&mut view, dead);
            check(&view, &run(&view, &BTreeMap::new()));
        }
    }
}

#[test]
fn what_finds_no_slot_at_all_is_told_with_what_is_missing() {
    let mut view = Observation {
        nodes: vec![node(0, 1)],
        topologies: vec![topology("a", &[1, 1], 1), topology("b", &[1, 2], 1)],
        ..Observation::default()
    };
    let answer = run(&view, &BTreeMap::new());
    check(&view, &answer);
    let told: Vec<String> = answer
        .lacking
        .iter()
        .map(|l| format!("{} {} {}: {}", l.topology, l.component, l.executors, l.lack))
        .collect();
    assert_eq!(told, ["b c0 1: a free slot", "b c1 2: a free slot"]);
    view.nodes[0].draining = true;
    let told = run(&view, &BTreeMap::new());
    check(&view, &told);
    assert_eq!(told.lacking[0].lack.to_string(), "an open node");
    view.nodes.clear();
    check(&view, &run(&view, &BTreeMap::new()));
}

#[test]
fn rows_of_a_dead_worker_lead_nothing_back_to_a_node_that_is_being_emptied() {
    let mut view = Observation {
        nodes: vec![node(0, 2), node(1, 2)],
        topologies: vec![topology("a", &[1, 2], 1)],
        ..Observation::default()
    };
    view.nodes[0].draining = true;
    let topology = &mut view.topologies[0];
    let row = |executor: &Executor| {
        let component = format!("c{}", executor.component);
        (executor.tasks, (component, Slot { node: "n0".to_owned(), port: 1 }))
    };
    let rows = topology.executors.iter().map(row).collect();
    let table = BTreeMap::from([("a".to_owned(), Routes { rows, committed: false })]);
    let answer = run(&view, &table);
    check(&view, &answer);
    let on = |node| {
        let slots = after(&view, &answer);
        slots[0].iter().flatten().filter(|slot| slot.node == node).count()
    };
    assert_eq!((on(0), on(1)), (0, 3));
    assert!(answer.dropped.iter().all(|row| row.fault == RowFault::NodeForbidden));
    assert_eq!(answer.dropped.len(), 3);
    // With nowhere else to go they wait.
    view.nodes.truncate(1);
    let answer = run(&view, &table);
    check(&view, &answer);
    assert!(answer.executors.iter().all(|assigned| *assigned == Assigned::NoRoom));
}

/// How a node is: alive, draining, forbidden, or dead.
fn any_node() -> impl Strategy<Value = (u32, u8)> {
    (0u32..5, prop_oneof![4 => Just(0u8), 1 => 1u8..4])
}

/// Executor counts by component, wished workers, whether memory is declared.
fn any_topology() -> impl Strategy<Value = (Vec<u32>, u32)> {
    (proptest::collection::vec(1u32..4, 1..5), 1u32..5)
}

#[derive(Debug, Clone)]
struct Tight {
    view: Observation,
    routes: BTreeMap<String, Routes>,
}

/// Small clusters, some topologies of which run in part.
fn any_cluster() -> impl Strategy<Value = Tight> {
    let owners = proptest::collection::vec(0usize..8, 16);
    let places = proptest::collection::vec(0usize..12, 64);
    let rows = proptest::collection::vec((0usize..5, 0u32..6, any::<bool>()), 64);
    let nodes = proptest::collection::vec(any_node(), 0..5);
    let topologies = proptest::collection::vec(any_topology(), 1..5);
    let committed = proptest::collection::vec(any::<bool>(), 4);
    (nodes, topologies, owners, places, rows, committed).prop_map(
        |(nodes, topologies, owners, places, rows, committed)| {
            let nodes: Vec<Node> = nodes
                .into_iter()
                .enumerate()
                .map(|(index, (slots, how))| Node {
                    draining: how == 1,
                    blacklisted: how >= 2,
                    ..node(index, if how == 3 { 0 } else { slots })
                })
                .collect();
            let mut owned: BTreeMap<usize, Vec<SlotRef>> = BTreeMap::new();
            let slots = (0u32..)
                .zip(&nodes)
                .flat_map(|(node, of)| of.ports.iter().map(move |&port| SlotRef { node, port }));
            for (slot, owner) in slots.zip(owners) {
                owned.entry(owner).or_default().push(slot);
            }
            let (mut places, mut rows) = (places.into_iter(), rows.into_iter());
            let mut tight = Tight {
                view: Observation { nodes, ..Observation::default() },
                routes: BTreeMap::new(),
            };
            for (index, (counts, workers)) in topologies.into_iter().enumerate() {
                let mut topology = topology(&format!("t{index}"), &counts, workers);
                let mut table = BTreeMap::new();
                for executor in &mut topology.executors {
                    let own = owned.get(&index).map_or(&[][..], Vec::as_slice);
                    executor.slot = places.next().and_then(|at| own.get(at % 6).copied());
                    if let Some((node, port, true)) = rows.next() {
                        let component = format!("c{}", executor.component);
                        let slot = Slot { node: format!("n{node}"), port };
                        table.insert(executor.tasks, (component, slot));
                    }
                }
                let routes = Routes { rows: table, committed: committed[index] };
                tight.routes.insert(topology.id.clone(), routes);
                tight.view.topologies.push(topology);
            }
            tight
        },
    )
}

/// Counts as they are after so many seconds in which every operator was busy most of the time.
fn with_counts(view: &Observation, secs: u32) -> Observation {
    let mut view = view.clone();
    view.at = Timestamp::from_millis(i64::from(secs) * 1000);
    for topology in &mut view.topologies {
        for executor in &mut topology.executors {
            let slower = executor.slot.map_or(1.0, |slot| 1.0 + f64::from(slot.node));
            let executed = u64::from(secs) * 100;
            executor.counters = Some(Counters {
                uptime_secs: secs,
                executed,
                execute_ms: executed as f64 * (3.0 * slower).min(9.9),
                acked: executed,
                process_ms: executed as f64 * 10.0,
                emitted: executed,
                completed: executed,
                complete_ms: executed as f64 * 30.0,
                ..Counters::default()
            });
        }
    }
    view
}

fn quick() -> Settings {
    let secs = |seconds: f64| Millis::saturating(seconds * 1000.0);
    Settings {
        window: secs(4.0),
        max_age: secs(10.0),
        settle: secs(0.0),
        interval: secs(2.0),
        cool_down: secs(0.0),
        ..Settings::default()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn every_round_places_what_has_a_slot_and_tells_the_rest(tight in any_cluster()) {
        let answer = run(&tight.view, &tight.routes);
        check(&tight.view, &answer);
    }

    #[test]
    fn a_round_that_was_carried_out_has_nothing_left_to_do(tight in any_cluster()) {
        let mut view = tight.view;
        let answer = run(&view, &BTreeMap::new());
        apply(&mut view, &answer);
        let again = run(&view, &BTreeMap::new());
        check(&view, &again);
        let rests = |assigned: &Assigned| matches!(assigned, Assigned::Keep | Assigned::NoRoom);
        prop_assert!(again.executors.iter().all(rests), "{again:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn no_small_cluster_stops_decisions(tight in any_cluster(), leave in 0usize..5, grow in 0u32..5) {
        let mut view = tight.view;
        let answer = run(&view, &BTreeMap::new());
        apply(&mut view, &answer);
        let settings = quick();
        let mut state = State::default();
        for step in 1..8u32 {
            if step == 4 {
                state.order = Some(Order {
                    topology: "t0".to_owned(),
                    counts: if grow > 0 { BTreeMap::from([("c0".to_owned(), grow)]) } else { BTreeMap::new() },
                    leave: vec![format!("h{leave}")],
                    ..Order::default()
                });
            }
            let seen = with_counts(&view, 10 + 2 * step);
            let decided = decide(&seen, state, &settings, seen.at);
            state = decided.state;
            let plans = decided.decisions.iter().filter_map(|decision| decision.plan.as_ref());
            for plan in plans.cloned().collect::<Vec<_>>() {
                state.abort(&plan.id, seen.at, &settings);
            }
        }
    }
}
