//! Hosts that an operator is emptying.
//!
//! Nothing new is placed on these hosts, and topologies leave them one after the other, each by a plan of its own. A host
//! that is taken off the list may be used again.

use std::collections::BTreeSet;

use thalweg_core::model::{Observation, Topology};
use thalweg_core::state::Order;

/// Marks the nodes of these hosts.
pub fn mark(observation: &mut Observation, drained: &BTreeSet<String>) {
    for node in &mut observation.nodes {
        node.draining |= drained.contains(&node.host);
    }
}

/// The order for the topology whose turn it is, of those that run on a drained host.
pub fn order(observation: &Observation, drained: &BTreeSet<String>, turn: u64) -> Option<Order> {
    let leaving = |topology: &&Topology| {
        let nodes = topology.executors.iter().filter_map(|e| e.slot.map(|slot| slot.node as usize));
        nodes
            .filter_map(|node| observation.nodes.get(node))
            .any(|node| drained.contains(&node.host))
    };
    let leaving: Vec<&Topology> = observation.topologies.iter().filter(leaving).collect();
    let next = leaving.get((turn % leaving.len().max(1) as u64) as usize)?;
    Some(Order {
        topology: unmistakable(next, observation),
        leave: drained.iter().cloned().collect(),
        while_drained: true,
        ..Order::default()
    })
}

/// The name of a topology, or its id where others have the same name.
fn unmistakable(topology: &Topology, observation: &Observation) -> String {
    let namesakes = observation.topologies.iter().filter(|other| other.name == topology.name);
    if namesakes.count() > 1 { topology.id.clone() } else { topology.name.clone() }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::Engine;
    use thalweg_core::model::{Executor, Node, SlotRef, TaskRange};
    use thalweg_core::units::Timestamp;

    fn cluster() -> Observation {
        let node = |host: &str| Node { host: host.to_owned(), ..Node::default() };
        let topology = |name: &str, node: u32| Topology {
            name: name.to_owned(),
            executors: vec![Executor {
                component: 0,
                tasks: TaskRange::new(1, 1),
                slot: Some(SlotRef { node, port: 6700 }),
                counters: None,
            }],
            ..Topology::default()
        };
        Observation {
            nodes: vec![node("a"), node("b")],
            topologies: vec![topology("one", 0), topology("two", 1), topology("three", 0)],
            ..Observation::default()
        }
    }

    #[test]
    fn topologies_leave_a_drained_host_in_turn_and_others_stay() {
        let mut seen = cluster();
        let drained = BTreeSet::from(["a".to_owned()]);
        mark(&mut seen, &drained);
        assert!(seen.nodes[0].draining && !seen.nodes[1].draining);
        let names: Vec<String> =
            (0..3).map(|turn| order(&seen, &drained, turn).unwrap().topology).collect();
        assert_eq!(names, ["one", "three", "one"]);
        assert_eq!(order(&seen, &BTreeSet::new(), 0), None);
    }

    #[test]
    fn a_topology_that_waits_to_leave_stays_once_its_host_may_be_used_again() {
        let folder = tempfile::tempdir().unwrap();
        let config =
            format!(r#"{{"thalweg.mode": "act", "thalweg.store.dir": {:?}}}"#, folder.path());
        let engine = Engine::open(&config).unwrap();
        engine.command(r#"{"op": "lead"}"#, Timestamp::from_millis(0)).unwrap();
        let waiting = |secs: i64| {
            engine.observe(cluster(), Timestamp::from_millis(secs * 1000)).unwrap();
            let order = engine.running().state.order.clone();
            order.map(|order| order.topology)
        };
        assert_eq!(waiting(90), None);
        engine.order(r#"{ "drain": { "host": "b" } }"#).unwrap();
        // Nothing was measured yet, so that it has to wait.
        assert_eq!(waiting(100).as_deref(), Some("two"));
        assert_eq!(waiting(110).as_deref(), Some("two"));
        engine.order(r#"{ "undrain": { "host": "b" } }"#).unwrap();
        assert_eq!(waiting(120), None);
    }
}
