#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

#[cfg(feature = "flink")]
pub mod flink;
#[cfg(feature = "http")]
pub mod http;
#[cfg(feature = "kafka")]
pub mod kafka;
#[cfg(feature = "prometheus")]
pub mod prometheus;
