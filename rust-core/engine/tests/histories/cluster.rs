//! A cluster as Storm keeps it: what Nimbus holds, what nodes were told beyond that, and the note of unfinished actions.

use std::collections::{BTreeMap, BTreeSet};

use thalweg_core::model::{
    Component, ComponentKind, Executor, Node, Observation, SlotRef, TaskRange, Topology,
    TopologyStatus,
};
use thalweg_core::plan::MigrationRow;
use thalweg_core::units::Timestamp;

/// Nodes, and ports of each.
pub const NODES: u32 = 3;
const PORTS: u32 = 4;
/// Executors of each topology, all of one component.
pub const EXECUTORS: u32 = 2;

/// A topology as Nimbus holds it.
#[derive(Debug, Clone, PartialEq)]
pub struct Held {
    /// Whether its sources run.
    pub active: bool,
    /// Where each executor belongs; none while it has no slot.
    pub slots: Vec<Option<SlotRef>>,
    /// Whether a rebalance was asked for, so that the next round places it anew.
    pub rebalancing: bool,
}

/// The whole cluster.
#[derive(Debug, Clone, Default)]
pub struct Cluster {
    /// What Nimbus holds, by topology.
    pub topologies: BTreeMap<String, Held>,
    /// Topologies that nodes were told to run more workers of than Nimbus holds.
    pub beside: BTreeSet<String>,
    /// Where the last committed plan of each topology moves it.
    pub committed: BTreeMap<String, Vec<MigrationRow>>,
    /// The note in the coordination service.
    pub note: Option<String>,
    /// What is added to the terms of leaders, as noted there.
    pub term_base: u64,
    /// Which process leads, if any, and how often that has changed.
    pub leader: Option<usize>,
    /// Grows with each change of the leader.
    pub term: u64,
}

impl Cluster {
    /// One more topology on free slots, as Storm's own scheduler would place it.
    pub fn submit(&mut self, id: &str) {
        let mut free = self.free();
        let slots = (0..EXECUTORS).map(|_| free.next()).collect();
        drop(free);
        self.topologies.insert(id.to_owned(), Held { active: true, slots, rebalancing: false });
    }

    /// Slots that nobody has, in order.
    pub fn free(&self) -> impl Iterator<Item = SlotRef> + use<> {
        let taken: BTreeSet<(u32, u32)> = self
            .topologies
            .values()
            .flat_map(|held| held.slots.iter().flatten().map(|slot| (slot.node, slot.port)))
            .collect();
        (0..PORTS)
            .flat_map(|port| (0..NODES).map(move |node| SlotRef { node, port }))
            .filter(move |slot| !taken.contains(&(slot.node, slot.port)))
    }

    /// What a look shows.
    pub fn observation(&self, now: Timestamp) -> Observation {
        let node = |index: u32| Node {
            id: format!("n{index}"),
            host: format!("h{index}"),
            ports: (0..PORTS).collect(),
            ..Node::default()
        };
        Observation {
            at: now,
            nodes: (0..NODES).map(node).collect(),
            topologies: self.topologies.iter().map(|(id, held)| topology(id, held)).collect(),
        }
    }
}

fn topology(id: &str, held: &Held) -> Topology {
    let executors = (1..).zip(&held.slots).map(|(task, slot)| Executor {
        component: 0,
        tasks: TaskRange::new(task, task),
        slot: *slot,
        counters: None,
    });
    Topology {
        id: id.to_owned(),
        name: id.to_owned(),
        status: if held.active { TopologyStatus::Active } else { TopologyStatus::Inactive },
        desired_workers: EXECUTORS,
        components: vec![Component {
            id: "work".to_owned(),
            kind: ComponentKind::Source,
            tasks: TaskRange::new(1, EXECUTORS),
            ..Component::default()
        }],
        executors: executors.collect(),
        ..Topology::default()
    }
}
