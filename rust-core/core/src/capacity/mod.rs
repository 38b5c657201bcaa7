//! How fast nodes are, and where time is lost.
//!
//! [`ability`] finds each node's speed and each component's work per tuple together, from the
//! execute latencies of the same component on different nodes. [`bottleneck`] turns a topology's
//! latencies into its bottleneck time and tells which side, computing or communicating, it lies on
//! (equations 1 to 3 of the Me-Stream paper). [`usl`] is how a component's rate grows with its
//! executors, [`learned`] what was seen of it, [`power`] how much work a node can do, [`misses`] what
//! memory brings to a component that keeps state, and [`queueing`] how long records wait. None of them
//! decides anything.

pub mod ability;
pub mod bottleneck;
pub mod learned;
pub mod misses;
pub mod power;
pub mod queueing;
pub mod usl;
