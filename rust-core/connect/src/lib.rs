#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

#[cfg(feature = "flink")]
pub mod flink;
#[cfg(feature = "http")]
pub mod http;
#[cfg(feature = "kafka")]
pub mod kafka;
pub mod local;
#[cfg(any(feature = "flink", feature = "spark", feature = "storm"))]
mod look;
#[cfg(feature = "prometheus")]
pub mod prometheus;
#[cfg(feature = "spark")]
pub mod spark;
#[cfg(feature = "storm")]
pub mod storm;

#[cfg(any(feature = "flink", feature = "spark", feature = "storm"))]
pub use look::{Finding, Look};
