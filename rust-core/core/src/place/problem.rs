//! A placement problem in ordinals and integers.

use std::collections::BTreeMap;

use thiserror::Error;

use crate::model::SlotRef;
use crate::settings::SlotRule;

/// Where to place the executors of one topology.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Problem {
    /// Every node of the cluster.
    pub nodes: Vec<PlaceNode>,
    /// Every executor of the topology.
    pub executors: Vec<PlaceExecutor>,
    /// The slots the topology holds now, and how many executors run in each.
    pub held: BTreeMap<SlotRef, u32>,
    /// The number of workers that the topology's user asked for; a wish.
    pub wished_workers: u32,
    /// How many anchors share one worker.
    pub anchors_per_worker: u32,
    /// What one slot can hold.
    pub rule: SlotRule,
}

impl Problem {
    /// How many nodes may hold executors.
    pub fn usable_nodes(&self) -> u32 {
        u32::try_from(self.nodes.iter().filter(|node| node.usable).count()).unwrap_or(u32::MAX)
    }

    /// Indexes of the executors of one role.
    pub(super) fn of_role(&self, role: Role) -> impl Iterator<Item = usize> + '_ {
        (0..self.executors.len()).filter(move |&index| self.executors[index].role == role)
    }
}

/// A node as placement sees it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PlaceNode {
    /// Speed in thousandths of the reference node; at least 1.
    pub ability_milli: u32,
    /// Demand of other topologies on it, in millionths of a reference executor's time.
    pub base_load: u64,
    /// Whether executors may be put here.
    pub usable: bool,
    /// Its live slots, by ascending port.
    pub slots: Vec<PlaceSlot>,
}

impl PlaceNode {
    /// The load that a demand makes here.
    pub fn load(&self, demand: u64) -> u64 {
        demand.saturating_mul(1000) / u64::from(self.ability_milli.max(1))
    }
}

/// One slot of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlaceSlot {
    /// Its port.
    pub port: u32,
    /// Whether another topology holds it.
    pub taken: bool,
}

/// Whether an executor can be replaced while its topology runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A source or one of the engine's own: it keeps pending tuples, so its worker should stay.
    Anchor,
    /// Everything else.
    Work,
}

/// An executor as placement sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlaceExecutor {
    /// Whether it can be replaced while its topology runs.
    pub role: Role,
    /// Ordinal of its component.
    pub component: u32,
    /// Time it is busy on the reference node, in millionths.
    pub demand: u64,
    /// Where this very executor runs now.
    pub current: Option<SlotRef>,
    /// The node on which its tasks run now, if they run in another executor.
    pub near: Option<u32>,
}

/// Why a topology cannot be placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{needed} more slots are needed on the {usable_nodes} usable nodes")]
pub struct Shortage {
    /// Slots that are missing.
    pub needed: u32,
    /// Nodes that could offer them.
    pub usable_nodes: u32,
}
