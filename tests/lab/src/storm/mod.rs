//! A Storm cluster on this machine: ZooKeeper, Nimbus and supervisors as real processes.

mod builder;
mod cluster;
mod home;
mod job;

pub use builder::{Profile, StormBuilder};
pub use cluster::{Nimbus, Node, StormCluster};
pub use job::StormJob;
