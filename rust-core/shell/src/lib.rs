#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod actuator;
mod cluster;
pub mod flink;
mod monitor;
mod reports;
mod rhythm;
pub mod spark;
pub mod storm;
mod walk;

pub use cluster::{Eyes, Fault, Hands, Presence, Unseen};
pub use monitor::{Ended, Monitor};
pub use rhythm::Rhythm;
