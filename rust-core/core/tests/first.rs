//! Where a topology of which nothing is known is put first.

#![allow(missing_docs)]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use support::{Model, settings};
use thalweg_core::assign::{Assigned, Routes, assign};
use thalweg_core::model::{Executor, TaskRange};
use thalweg_core::state::Learned;

/// How many executors of each component a node gets first, on three nodes that declare so much compute.
fn first_placement(cpu_points: [f64; 3]) -> BTreeMap<(u32, u32), u32> {
    let mut model = Model::new(3, 6, 3);
    for (node, points) in model.observation.nodes.iter_mut().zip(cpu_points) {
        node.cpu_points = Some(points);
    }
    let topology = &mut model.observation.topologies[0];
    topology.desired_workers = 3;
    topology.executors.iter_mut().for_each(|executor| executor.slot = None);
    let routes: BTreeMap<String, Routes> = BTreeMap::new();
    let now = model.now();
    let answer = assign(&model.observation, &routes, &Learned::default(), &settings(), now);
    let executors = &model.observation.topologies[0].executors;
    let mut on_node: BTreeMap<(u32, u32), u32> = BTreeMap::new();
    for (executor, assigned) in executors.iter().zip(&answer.executors) {
        let Assigned::To(slot) = assigned else { panic!("{assigned:?}") };
        *on_node.entry((executor.component, slot.node)).or_default() += 1;
    }
    on_node
}

#[test]
fn nodes_get_work_by_the_compute_that_they_declare() {
    let on_node = first_placement([50.0, 25.0, 100.0]);
    let work = |node| (1..=2).filter_map(|c| on_node.get(&(c, node))).sum::<u32>();
    assert!(work(2) > work(0) && work(0) > work(1), "{on_node:?}");
}

#[test]
fn what_was_never_measured_is_spread_over_nodes() {
    let on_node = first_placement([400.0; 3]);
    for (component, each) in [(1, 2), (2, 1)] {
        let found: Vec<_> = (0..3).map(|node| on_node.get(&(component, node)).copied()).collect();
        assert_eq!(found, [Some(each); 3], "component {component} of {on_node:?}");
    }
}

#[test]
fn what_is_to_be_apart_is_placed_apart() {
    let mut model = Model::new(2, 2, 2);
    let topology = &mut model.observation.topologies[0];
    topology.desired_workers = 2;
    topology.apart = vec![(1, 2)];
    topology.components[0].most_per_node = Some(1);
    topology.executors.iter_mut().for_each(|executor| executor.slot = None);
    let source = topology.executors[0].clone();
    let tasks = TaskRange { first: 1000, last: 1000 };
    topology.executors.push(Executor { tasks, ..source });
    let routes: BTreeMap<String, Routes> = BTreeMap::new();
    let now = model.now();
    let answer = assign(&model.observation, &routes, &Learned::default(), &settings(), now);
    let executors = &model.observation.topologies[0].executors;
    let mut nodes: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
    for (executor, assigned) in executors.iter().zip(&answer.executors) {
        let Assigned::To(slot) = assigned else { panic!("{assigned:?}") };
        nodes.entry(executor.component).or_default().insert(slot.node);
    }
    assert!(nodes[&1].is_disjoint(&nodes[&2]), "{nodes:?}");
    assert_eq!(nodes[&0].len(), 2, "a source on each node");
}
