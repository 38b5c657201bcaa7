//! Real clusters on one machine, for tests and benchmarks: started, loaded, disturbed, measured and stopped.
//!
//! ```no_run
//! use std::{path::Path, time::Duration};
//! use thalweg_lab::{Kafka, StormBuilder, StormJob};
//!
//! # fn main() -> anyhow::Result<()> {
//! let storm = StormBuilder::new(Path::new("/tmp/my-lab")).nodes(3).start()?;
//! let kafka = Kafka::start(storm.hub())?;
//! kafka.create_topic("lines", 4)?;
//! let topology = StormJob::word_count("words", kafka.bootstrap(), "lines").set("split", 2).set("splitTasks", 8);
//! storm.submit(&topology, Duration::from_secs(60))?;
//! # Ok(())
//! # }
//! ```
//!
//! Everything started here carries a mark in its environment (see [`process`]), so that nothing is left running and
//! nothing else is ever touched.

pub mod calibrate;
mod clock;
pub mod control;
pub mod counts;
pub mod cpu;
pub mod dist;
pub mod flink;
pub mod java;
pub mod kafka;
pub mod load;
pub mod network;
pub mod ports;
pub mod process;
pub mod redis;
pub mod spark;
pub mod storm;
pub mod text;
pub mod wait;

use std::io::Write;

pub use control::Control;
pub use cpu::CpuLimit;
pub use flink::{FlinkBuilder, FlinkCluster, FlinkJob, FlinkLine};
pub use kafka::Kafka;
pub use network::Network;
pub use redis::Redis;
pub use storm::{Profile, StormBuilder, StormCluster, StormJob};

/// Tells that a test leaves a part out because this machine does not allow it, and why. The test runner keeps what
/// passing tests print to itself, but not what they write here; `make test` repeats such lines at its end.
pub fn skipped(what: &str, why: &str) {
    let why = why.replace('\n', " ");
    // Without anybody who reads, there is nobody to tell.
    let _ = writeln!(std::io::stderr(), "\nSKIPPED {what}: {why}");
}
