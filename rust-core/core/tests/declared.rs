//! Scheduling rounds of topologies with declared resources.

use std::collections::{BTreeMap, BTreeSet};

use thalweg_core::assign::{Assigned, Assignment, assign};
use thalweg_core::model::{
    Component, ComponentKind, Edge, Executor, Node, Observation, SlotRef, TaskRange, Topology,
};
use thalweg_core::settings::Settings;
use thalweg_core::state::Learned;
use thalweg_core::units::{Share, Timestamp};

/// A source of 2 and an operator of 6 executors; 25 points and 200 MiB each.
fn topology(id: &str) -> Topology {
    let component = |id: &str, kind, first, last| Component {
        id: id.to_owned(),
        kind,
        tasks: TaskRange::new(first, last),
        cpu_points: Some(25.0),
        memory_mib: Some(200.0),
        heap_mib: Some(150.0),
        ..Component::default()
    };
    let executor = |task: u32| Executor {
        component: u32::from(task > 2),
        tasks: TaskRange::new(task, task),
        slot: None,
        counters: None,
    };
    Topology {
        id: id.to_owned(),
        name: id.to_owned(),
        desired_workers: 1,
        worker_heap_mib: Some(700.0),
        components: vec![
            component("words", ComponentKind::Source, 1, 2),
            component("split", ComponentKind::Operator, 3, 8),
        ],
        edges: vec![Edge { from: 0, to: 1, ..Edge::default() }],
        executors: (1..=8).map(executor).collect(),
        ..Topology::default()
    }
}

/// Nodes of two cores and 4 GiB with eight slots.
fn cluster(nodes: usize, topologies: &[&str]) -> Observation {
    let node = |index: usize| Node {
        id: format!("n{index}"),
        ports: (6700..6708).collect(),
        cpu_points: Some(200.0),
        memory_mib: Some(4096.0),
        ..Node::default()
    };
    Observation {
        nodes: (0..nodes).map(node).collect(),
        topologies: topologies.iter().map(|id| topology(id)).collect(),
        ..Observation::default()
    }
}

fn round(view: &Observation) -> Assignment {
    round_with(view, &Settings::default())
}

fn round_with(view: &Observation, settings: &Settings) -> Assignment {
    let now = Timestamp::from_millis(1_000);
    assign(view, &BTreeMap::new(), &Learned::default(), settings, now)
}

fn apply(view: &mut Observation, answer: &Assignment) {
    let executors = view.topologies.iter_mut().flat_map(|topology| &mut topology.executors);
    for (executor, assigned) in executors.zip(&answer.executors) {
        match assigned {
            Assigned::To(slot) => executor.slot = Some(*slot),
            Assigned::NotOurs | Assigned::NoRoom => executor.slot = None,
            Assigned::Keep => {}
        }
    }
}

fn slots(topology: &Topology) -> BTreeSet<SlotRef> {
    topology.executors.iter().filter_map(|executor| executor.slot).collect()
}

#[test]
fn a_topology_that_fits_lies_on_one_node_within_its_declarations() {
    let mut view = cluster(3, &["a"]);
    let answer = round(&view);
    apply(&mut view, &answer);
    let nodes: BTreeSet<u32> = slots(&view.topologies[0]).iter().map(|slot| slot.node).collect();
    assert_eq!(nodes.len(), 1, "8 executors of 25 points fill a node of 200");
    let mut heap: BTreeMap<SlotRef, u32> = BTreeMap::new();
    for executor in &view.topologies[0].executors {
        *heap.entry(executor.slot.expect("all are placed")).or_default() += 150;
    }
    assert!(heap.values().all(|heap| *heap <= 700), "a worker's heap is overcommitted: {heap:?}");
    assert!(answer.lacking.is_empty());
    assert!(round(&view).executors.iter().all(|assigned| *assigned == Assigned::Keep));
}

#[test]
fn executors_are_spread_over_nodes_as_their_user_asks() {
    let asking = |nodes| {
        let mut view = cluster(nodes, &["a"]);
        view.topologies[0].components[1].most_per_node = Some(2);
        view
    };
    let mut view = asking(3);
    let answer = round(&view);
    apply(&mut view, &answer);
    let mut per_node = [0; 3];
    for executor in &view.topologies[0].executors[2..] {
        per_node[executor.slot.expect("all are placed").node as usize] += 1;
    }
    assert_eq!(per_node, [2, 2, 2]);
    let too_few = round(&asking(2));
    assert_eq!(too_few.lacking[0].component, "split");
    assert!(too_few.executors.iter().all(|assigned| *assigned == Assigned::NoRoom));
}

#[test]
fn no_rack_holds_more_of_a_component_than_its_share() {
    let mut view = cluster(4, &["a"]);
    for (node, rack) in view.nodes.iter_mut().zip(["r1", "r1", "r1", "r2"]) {
        rack.clone_into(&mut node.rack);
    }
    let on_second = |settings: &Settings| {
        let mut view = view.clone();
        let answer = round_with(&view, settings);
        apply(&mut view, &answer);
        let executors = view.topologies[0].executors.iter().filter(|e| e.component == 1);
        executors.filter(|e| e.slot.expect("all are placed").node == 3).count()
    };
    assert_eq!(on_second(&Settings::default()), 0, "one node holds them all");
    let half = Settings { rack_share: Share::saturating(0.5), ..Settings::default() };
    assert_eq!(on_second(&half), 3, "of six");
}

#[test]
fn topologies_share_the_cluster_and_none_starves() {
    let mut view = cluster(3, &["a", "b", "c"]);
    let answer = round(&view);
    apply(&mut view, &answer);
    let mut per_node = [0; 3];
    let executors = view.topologies.iter().flat_map(|topology| &topology.executors);
    for slot in executors.map(|executor| executor.slot.expect("all are placed")) {
        per_node[slot.node as usize] += 1;
    }
    assert_eq!(per_node, [8, 8, 8]);
    let held: Vec<BTreeSet<SlotRef>> = view.topologies.iter().map(slots).collect();
    assert!(held[0].is_disjoint(&held[1]) && held[1].is_disjoint(&held[2]));
}

#[test]
fn after_a_node_has_died_only_what_it_ran_moves() {
    let mut view = cluster(3, &["a", "b"]);
    let first = round(&view);
    apply(&mut view, &first);
    let dead = view.topologies[0].executors[0].slot.expect("placed").node;
    view.nodes[dead as usize].ports.clear();
    view.nodes[dead as usize].blacklisted = true;
    for executor in view.topologies.iter_mut().flat_map(|topology| &mut topology.executors) {
        executor.slot = executor.slot.filter(|slot| slot.node != dead);
    }
    let repaired = round(&view);
    let executors = view.topologies.iter().flat_map(|topology| &topology.executors);
    for (executor, assigned) in executors.zip(&repaired.executors) {
        match executor.slot {
            Some(_) => assert_eq!(*assigned, Assigned::Keep),
            None => assert!(matches!(assigned, Assigned::To(slot) if slot.node != dead)),
        }
    }
}

#[test]
fn what_finds_no_room_waits_and_the_reason_is_told() {
    let mut view = cluster(1, &["a", "b"]);
    view.nodes[0].memory_mib = Some(2000.0);
    let answer = round(&view);
    let (first, second) = answer.executors.split_at(8);
    assert!(first.iter().all(|assigned| matches!(assigned, Assigned::To(_))));
    assert!(
        second.iter().all(|assigned| *assigned == Assigned::NoRoom),
        "half a topology was placed"
    );
    assert!(!answer.lacking.is_empty());
    assert!(answer.lacking.iter().all(|lacking| lacking.topology == "b"), "{:?}", answer.lacking);
    assert!(
        answer.lacking[0].lack.to_string().contains("MiB of memory on a node"),
        "{:?}",
        answer.lacking
    );
}

#[test]
fn a_slow_node_gets_less() {
    let mut view = cluster(2, &["a", "b"]);
    view.nodes[0].cpu_points = Some(100.0);
    let answer = round(&view);
    apply(&mut view, &answer);
    let on = |node| {
        let executors = view.topologies.iter().flat_map(|topology| &topology.executors);
        executors.filter(|executor| executor.slot.is_some_and(|slot| slot.node == node)).count()
    };
    // 16 executors of 25 points on 300 points: 133 % everywhere at best, so 5 and 11.
    assert_eq!((on(0), on(1)), (5, 11));
}

/// Nodes with so many slots, a topology that declares nothing for each of `plain`, and so many that declare.
fn scarce(slots: u32, plain: usize, declared: usize) -> Observation {
    let names: Vec<String> = (0..plain + declared).map(|index| format!("t{index}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut view = cluster(2, &names);
    for node in &mut view.nodes {
        node.ports = (6700..6700 + slots).collect();
    }
    for topology in &mut view.topologies {
        topology.worker_heap_mib = None;
    }
    for topology in &mut view.topologies[..plain] {
        for component in &mut topology.components {
            component.cpu_points = None;
        }
    }
    view
}

#[test]
fn no_declared_topology_takes_a_second_slot_while_others_wait_for_a_first() {
    for (slots, plain, declared) in [(2, 3, 1), (2, 2, 2), (1, 0, 2), (1, 1, 1)] {
        let mut view = scarce(slots, plain, declared);
        for component in view.topologies.iter_mut().flat_map(|t| &mut t.components) {
            component.cpu_points = component.cpu_points.map(|_| 10.0);
        }
        let answer = round(&view);
        apply(&mut view, &answer);
        let missing: Vec<&str> = view
            .topologies
            .iter()
            .filter(|topology| topology.executors.iter().any(|e| e.slot.is_none()))
            .map(|topology| topology.id.as_str())
            .collect();
        assert!(missing.is_empty(), "{missing:?} of {plain} and {declared} wait");
    }
}

#[test]
fn a_declared_topology_gets_the_slots_that_it_needs() {
    // One worker may not have the heap of all executors, and one node not the compute.
    let mut view = scarce(2, 3, 1);
    view.topologies[3].worker_heap_mib = Some(700.0);
    let answer = round(&view);
    apply(&mut view, &answer);
    assert!(slots(&view.topologies[3]).len() >= 2, "{:?}", view.topologies[3].executors);
    let mut view = scarce(2, 3, 1);
    for component in &mut view.topologies[3].components {
        component.cpu_points = Some(45.0);
    }
    let answer = round(&view);
    apply(&mut view, &answer);
    let nodes: BTreeSet<u32> = slots(&view.topologies[3]).iter().map(|slot| slot.node).collect();
    assert_eq!(nodes.len(), 2, "{:?}", view.topologies[3].executors);
}

#[test]
fn memory_that_others_did_not_declare_refuses_nothing() {
    // Five times eight executors of which 128 MiB each are assumed: more than the node's 4 GiB.
    let mut view = cluster(1, &["a", "b", "c", "d", "e", "declared"]);
    for (topology, port) in view.topologies[..5].iter_mut().zip(6700..) {
        for component in &mut topology.components {
            (component.cpu_points, component.memory_mib, component.heap_mib) = (None, None, None);
        }
        for executor in &mut topology.executors {
            executor.slot = Some(SlotRef { node: 0, port });
        }
    }
    let answer = round(&view);
    assert_eq!(answer.lacking, []);
    // So it is for one that declares memory alone, which is placed by itself.
    view.topologies[5].desired_workers = 3;
    for component in &mut view.topologies[5].components {
        component.cpu_points = None;
    }
    let answer = round(&view);
    assert_eq!(answer.lacking, []);
    assert!(!answer.executors.contains(&Assigned::NoRoom), "{answer:?}");
    // What was declared is never overcommitted.
    for component in view.topologies[..5].iter_mut().flat_map(|t| &mut t.components) {
        component.memory_mib = Some(128.0);
    }
    assert!(!round(&view).lacking.is_empty());
}
