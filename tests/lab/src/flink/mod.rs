//! A Flink cluster on this machine: a JobManager and TaskManagers as real processes.

mod autoscaler;
mod builder;
mod cluster;
mod home;
mod job;
mod job_manager;
mod rest;

pub use autoscaler::Autoscaler;
pub use builder::{FlinkBuilder, FlinkLine};
pub use cluster::{FlinkCluster, FlinkNode};
pub use job::FlinkJob;
pub use job_manager::FlinkJobManager;
pub use rest::{FlinkRest, JobInfo, Subtask, Vertex};
