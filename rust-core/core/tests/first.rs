//! Where a topology of which nothing is known is put first.

#![allow(missing_docs)]

mod support;

use std::collections::BTreeMap;

use support::{Model, settings};
use thalweg_core::assign::{Assigned, Routes, assign};
use thalweg_core::state::Learned;

#[test]
fn what_was_never_measured_is_spread_over_nodes() {
    let mut model = Model::new(3, 6, 3);
    let topology = &mut model.observation.topologies[0];
    topology.wished_workers = 3;
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
    for (component, each) in [(1, 2), (2, 1)] {
        let found: Vec<_> = (0..3).map(|node| on_node.get(&(component, node)).copied()).collect();
        assert_eq!(found, [Some(each); 3], "component {component} of {on_node:?}");
    }
}
