//! How time and memory grow with the cluster, with Flink's jobs beside it and with who watches, and what breaks first.
//!
//! Clusters are made up, what looks at them is the product: an engine that is given snapshots as shells give them, a real
//! Redis, the reader of Flink's REST interface, and the server that dashboards ask.

pub mod clients;
pub mod cluster;
pub mod curves;
pub mod dashboards;
pub mod flink;
pub mod growth;
pub mod limits;
// Shared with the tests of parsers, which count in the same way.
#[path = "../../parsers/src/memory.rs"]
mod memory;
pub mod page;
pub mod redis;
pub mod rounds;
pub mod shown;
pub mod size;

use std::collections::BTreeMap;

use thalweg_policies::stats::Summary;

/// What was measured at one size, by name: the names are those of [`growth::MEASURES`].
pub type Figures = BTreeMap<String, Summary>;

/// A figure that was counted once, and has no spread.
pub fn counted(value: f64) -> Summary {
    Summary { median: value, low: value, high: value, min: value, max: value, mean: value, n: 1 }
}
