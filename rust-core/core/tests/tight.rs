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
use thalweg_core::settings::{Settings, WorkerLimit};
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
        desired_workers: workers,
        edges: (1..counts.len() as u32).map(|to| edge(to - 1)).collect(),
        components,
        executors,
        ..Topology::default()
    }
}

fn run(view: &Observation, routes: &BTreeMap<String, Routes>) -> Assignment {
    run_with(view, routes, &Settings::default())
}

fn run_with(
    view: &Observation,
    routes: &BTreeMap<String, Routes>,
    settings: &Settings,
) -> Assignment {
    let now = Timestamp::from_millis(1_000);
    assign(view, routes, &Learned::default(), settings, now)
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
        let may_start = workers.len() < topology.desired_workers as usize;
        let has_room = joins || free && may_start;
        assert!(open_count.is_empty() || !has_room, "a slot for {} is left", topology.id);
        let had: BTreeSet<SlotRef> = topology.executors.iter().filter_map(|e| e.slot).collect();
        let most = had.len().max(topology.desired_workers as usize);
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

/// How many workers each topology has, and how many executors of all run nowhere.
fn workers(view: &Observation, answer: &Assignment) -> (Vec<usize>, usize) {
    let slots = after(view, answer);
    let missing = slots.iter().flatten().filter(|slot| slot.is_none()).count();
    let count =
        |slots: &Vec<Option<SlotRef>>| slots.iter().flatten().collect::<BTreeSet<_>>().len();
    (slots.iter().map(count).collect(), missing)
}

#[test]
fn sixty_topologies_that_ask_for_one_worker_get_one_each() {
    let view = Observation {
        nodes: (0..5).map(|index| node(index, 16)).collect(),
        topologies: (0..60)
            .map(|index| topology(&format!("t{index:02}"), &[1, 1, 1, 1, 1, 1, 1, 1], 1))
            .collect(),
        ..Observation::default()
    };
    let answer = run(&view, &BTreeMap::new());
    check(&view, &answer);
    assert_eq!(workers(&view, &answer), (vec![1; 60], 0));
    let mut per_node = [0; 5];
    for slot in after(&view, &answer).iter().filter_map(|slots| slots[0]) {
        per_node[slot.node as usize] += 1;
    }
    assert_eq!(per_node, [12; 5]);
}

#[test]
fn as_many_topologies_as_slots_all_run_whatever_they_may_have() {
    for (asked, limit) in [(1, WorkerLimit::Asked), (3, WorkerLimit::Asked), (1, WorkerLimit::Free)]
    {
        let view = Observation {
            nodes: vec![node(0, 4), node(1, 4)],
            topologies: (0..8)
                .map(|index| topology(&format!("t{index}"), &[1, 2], asked))
                .collect(),
            ..Observation::default()
        };
        let settings = Settings { worker_limit: limit, ..Settings::default() };
        let answer = run_with(&view, &BTreeMap::new(), &settings);
        assert_eq!(workers(&view, &answer), (vec![1; 8], 0), "{asked} asked, {limit:?}");
    }
}

#[test]
fn what_joins_a_running_worker_takes_no_slot_from_others() {
    let mut view = Observation {
        nodes: vec![node(0, 2), node(1, 3), node(2, 1)],
        topologies: vec![
            topology("a", &[2, 3], 2),
            topology("b", &[1, 1], 2),
            topology("c", &[3, 3], 2),
        ],
        ..Observation::default()
    };
    view.nodes[2].draining = true;
    for (topology, slots) in [(0, [(0, 1), (0, 1), (0, 1), (0, 2)].as_slice()), (2, &[(2, 1); 5])] {
        for (executor, &(node, port)) in view.topologies[topology].executors.iter_mut().zip(slots) {
            executor.slot = Some(SlotRef { node, port });
        }
    }
    let answer = run(&view, &BTreeMap::new());
    check(&view, &answer);
    assert_eq!(workers(&view, &answer), (vec![2, 2, 2], 0));
}

#[test]
fn sources_have_a_worker_of_their_own_where_a_second_one_is_asked_for() {
    for asked in 1..6 {
        let view = Observation {
            nodes: (0..3).map(|index| node(index, 4)).collect(),
            topologies: vec![topology("a", &[2, 4, 4], asked)],
            ..Observation::default()
        };
        let answer = run(&view, &BTreeMap::new());
        let (workers, missing) = workers(&view, &answer);
        assert!(missing == 0 && workers[0] <= asked as usize, "{workers:?} of {asked}");
        let slots = &after(&view, &answer)[0];
        let shared = slots[2..].contains(&slots[0]);
        assert_eq!(shared, asked == 1, "{slots:?}");
        if asked > 2 {
            let nodes: BTreeSet<u32> = slots[2..].iter().flatten().map(|slot| slot.node).collect();
            assert_eq!(nodes.len(), 3.min(asked as usize - 1), "{slots:?}");
        }
    }
}

#[test]
fn topologies_may_be_let_have_more_workers_than_they_ask_for() {
    let view = Observation {
        nodes: (0..3).map(|index| node(index, 4)).collect(),
        topologies: vec![topology("a", &[2, 4, 4], 1), topology("b", &[2, 4, 4], 1)],
        ..Observation::default()
    };
    let settings =
        Settings { free_workers: BTreeSet::from(["b".to_owned()]), ..Settings::default() };
    let answer = run_with(&view, &BTreeMap::new(), &settings);
    let (workers, _) = workers(&view, &answer);
    assert!(workers[0] == 1 && workers[1] > 1, "{workers:?}");
    // What is declared is asked for in resources, as under Storm's ResourceAwareScheduler.
    let mut declared = view.clone();
    for component in declared.topologies.iter_mut().flat_map(|topology| &mut topology.components) {
        component.cpu_points = Some(50.0);
    }
    let answer = run(&declared, &BTreeMap::new());
    assert!(self::workers(&declared, &answer).0.iter().all(|workers| *workers > 1));
}

#[test]
fn a_table_with_more_workers_than_are_asked_for_is_followed_as_far_as_they_go() {
    let view = Observation {
        nodes: vec![node(0, 4)],
        topologies: vec![topology("a", &[1, 2], 2)],
        ..Observation::default()
    };
    let row = |(executor, port): (&Executor, u32)| {
        let slot = Slot { node: "n0".to_owned(), port };
        (executor.tasks, (format!("c{}", executor.component), slot))
    };
    let rows = view.topologies[0].executors.iter().zip(1..).map(row).collect();
    let table = BTreeMap::from([("a".to_owned(), Routes { rows, committed: false })]);
    let answer = run(&view, &table);
    check(&view, &answer);
    assert_eq!(workers(&view, &answer), (vec![2], 0));
    assert_eq!(answer.dropped[0].fault, RowFault::TooManyWorkers);
}

fn needing(mut topology: Topology, mib: f64) -> Topology {
    for component in &mut topology.components {
        component.memory_mib = Some(mib);
        component.heap_mib = Some(mib);
    }
    topology
}

fn with_memory(index: usize, slots: u32, mib: f64) -> Node {
    Node { memory_mib: Some(mib), ..node(index, slots) }
}

#[test]
fn memory_that_was_declared_is_not_overcommitted_even_where_there_is_one_slot() {
    let view = Observation {
        nodes: vec![with_memory(0, 1, 1_000.0)],
        topologies: vec![needing(topology("a", &[1, 3], 1), 300.0)],
        ..Observation::default()
    };
    let answer = run(&view, &BTreeMap::new());
    assert!(answer.executors.iter().all(|assigned| *assigned == Assigned::NoRoom), "{answer:?}");
    let lacking: u32 = answer.lacking.iter().map(|lacking| lacking.executors).sum();
    assert_eq!(lacking, 1);
    let lack = answer.lacking[0].lack.to_string();
    assert_eq!(lack, "200 MiB of memory on a node");
    // What runs is left alone, and what joins it does not take what is not there.
    let mut running = view;
    running.topologies[0].executors[0].slot = Some(SlotRef { node: 0, port: 1 });
    let answer = run(&running, &BTreeMap::new());
    let placed = after(&running, &answer)[0].iter().flatten().count();
    assert_eq!(placed, 3);
    assert_eq!(answer.lacking.iter().map(|lacking| lacking.executors).sum::<u32>(), 1);
}

#[test]
fn sources_that_fill_a_node_get_one_each() {
    let view = Observation {
        nodes: (0..3).map(|index| with_memory(index, 4, 400.0)).collect(),
        topologies: vec![needing(topology("a", &[2], 2), 300.0)],
        ..Observation::default()
    };
    let answer = run(&view, &BTreeMap::new());
    let nodes: BTreeSet<u32> =
        after(&view, &answer)[0].iter().map(|slot| slot.expect("it fits").node).collect();
    assert_eq!(nodes.len(), 2);
}

/// How a node is: alive, draining, forbidden, or dead.
fn any_node() -> impl Strategy<Value = (u32, u8)> {
    (0u32..5, prop_oneof![4 => Just(0u8), 1 => 1u8..4])
}

/// Executor counts by component, desired workers, whether memory is declared.
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
    #![proptest_config(ProptestConfig::with_cases(256))]

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
    #![proptest_config(ProptestConfig::with_cases(48))]

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
            let decided = decide(&seen, state, &settings, thalweg_core::operator::Operator::SILENT, seen.at);
            state = decided.state;
            let plans = decided.decisions.iter().filter_map(|decision| decision.plan.as_ref());
            for plan in plans.cloned().collect::<Vec<_>>() {
                state.abort(&plan.id, seen.at, &settings);
            }
        }
    }
}
