//! The one vocabulary in which every engine's cluster is described to the core.
//!
//! An [`Observation`] is what an engine's adapter saw at one instant: nodes, topologies, where each
//! executor runs, and its cumulative counters. It holds no conclusion: differences, rates and
//! latencies are made from two observations by [`crate::signals`](crate).

mod observation;

pub use observation::{
    Checkpoint, Component, ComponentKind, Counters, Edge, Executor, Grouping, Node, Observation,
    Obstacle, SlotRef, TaskRange, Topology, TopologyStatus,
};
