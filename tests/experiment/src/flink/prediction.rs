//! What the simulator foretold of a run.

use serde::Serialize;

/// What the simulator says of a run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Prediction {
    /// Restarts.
    pub rescales: f64,
    /// Lines not yet counted, summed over time.
    pub backlog_area: f64,
    /// Slots in use, summed over time.
    pub slot_seconds: f64,
    /// 99th percentile of latency.
    pub p99_ms: f64,
}
