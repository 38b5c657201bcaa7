#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

#[cfg(feature = "flink")]
pub mod flink;
#[cfg(feature = "kafka")]
pub mod kafka;
pub mod local;
