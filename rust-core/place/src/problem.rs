//! A placement problem and its solution, in ordinals and integers.

use thiserror::Error;

use crate::units::{Load, Mebibytes, MilliPoints, Traffic};

/// Where to place the executors of all topologies of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Problem {
    /// Every node of the cluster.
    pub nodes: Vec<Node>,
    /// Every topology of the cluster.
    pub topologies: Vec<Topology>,
}

/// A machine that offers slots.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Node {
    /// What it computes: declared capacity times ability.
    pub compute: MilliPoints,
    /// Its memory; nothing where it is unknown, which is then no limit.
    pub memory: Option<Mebibytes>,
    /// How many slots it has.
    pub slots: u32,
    /// Slots that may not be taken: something unknown to this problem holds them.
    pub blocked: Vec<u32>,
    /// Whether executors may be put here: neither excluded nor being drained.
    pub open: bool,
    /// Ordinal of its rack.
    pub rack: u32,
    /// Compute that something unknown to this problem uses.
    pub base: MilliPoints,
}

/// The executors of one running dataflow graph.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Topology {
    /// Its components.
    pub components: Vec<Component>,
    /// The streams between them.
    pub edges: Vec<Edge>,
    /// The component of each of its executors.
    pub executors: Vec<u32>,
    /// Pairs of components whose executors may not share a node.
    pub apart: Vec<(u32, u32)>,
    /// The most heap that the executors of one worker may need together.
    pub heap_limit: Option<Mebibytes>,
    /// The least compute that a worker counts as, however little its executors need.
    pub worker_compute: MilliPoints,
    /// The most workers it may have; nothing where any number will do.
    pub most_workers: Option<u32>,
    /// Whether its present workers take no more executors, however scarce slots are.
    pub sealed: bool,
    /// Up to this load of a node, less load is no better: what was declared is promised. Zero where
    /// demands are only proportions.
    pub comfort: Load,
}

/// A step of the graph; its executors are alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Component {
    /// Whether it can be replaced while its topology runs.
    pub role: Role,
    /// Compute that one executor needs.
    pub compute: MilliPoints,
    /// Heap that one executor needs within its worker.
    pub heap: Mebibytes,
    /// Memory that one executor needs outside of the heap.
    pub off_heap: Mebibytes,
    /// The most of its executors that one node may hold.
    pub most_per_node: Option<u32>,
    /// The most of its executors that one rack may hold.
    pub most_per_rack: Option<u32>,
    /// Components with the same number here share these limits; one without has its own.
    pub counts_as: Option<u32>,
    /// A node that must not hold any of its executors: the worker that ran them there ends.
    pub leaves: Option<u32>,
}

/// Whether an executor can be replaced while its topology runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Role {
    /// A source or one of the engine's own: it keeps pending tuples, so its worker should live on.
    Pinned,
    /// Everything else.
    #[default]
    Work,
}

/// A stream; every pair of its executors carries the same part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edge {
    /// The sending component.
    pub from: u32,
    /// The receiving component.
    pub to: u32,
    /// What it carries in all.
    pub traffic: Traffic,
}

/// A slot by ordinals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SlotId {
    /// The node.
    pub node: u32,
    /// The slot among the node's.
    pub slot: u32,
}

/// The slot of every executor of every topology; nothing for one that runs nowhere.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Placement(pub Vec<Vec<Option<SlotId>>>);

impl Placement {
    /// The placement in which nothing runs.
    pub fn empty(problem: &Problem) -> Self {
        Self(problem.topologies.iter().map(|t| vec![None; t.executors.len()]).collect())
    }
}

/// The answer to a problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// The slot of every executor that could be placed.
    pub placement: Placement,
    /// How good it is.
    pub score: Score,
    /// What is missing for the executors without a slot.
    pub shortages: Vec<Shortage>,
    /// Whether no placement is better.
    pub proven: bool,
}

/// How good a placement is: less is better, earlier fields first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Score {
    /// Executors without a slot.
    pub unplaced: u32,
    /// Load of the worst node, where it is above what is comfortable.
    pub worst: Load,
    /// Traffic between nodes, in millionths of the traffic unit.
    pub crossing: u64,
    /// Present workers that lose or gain an executor.
    pub restarted: u32,
    /// Workers in use.
    pub workers: u32,
}

/// What keeps executors of one component from being placed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("topology {topology} lacks {lack} for {executors} executors of component {component}")]
pub struct Shortage {
    /// The topology.
    pub topology: u32,
    /// The component.
    pub component: u32,
    /// How many of its executors have no slot.
    pub executors: u32,
    /// What would let the next one in.
    pub lack: Lack,
}

/// A resource of which there is too little everywhere: the least that is missing on any node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Lack {
    /// No node may take executors.
    #[error("an open node")]
    OpenNode,
    /// One executor needs more heap than a worker may have.
    #[error("{0} of heap in a worker")]
    Heap(Mebibytes),
    /// The best node lacks so much memory.
    #[error("{0} of memory on a node")]
    Memory(Mebibytes),
    /// Memory there is, but no free slot beside it.
    #[error("a free slot")]
    Slot,
    /// It has as many workers as it may have, and none of them can take one more executor.
    #[error("one more worker than it may have")]
    Worker,
    /// Every node or rack has as many of these executors as it may have.
    #[error("a node that may hold one more of them")]
    Spread,
}
