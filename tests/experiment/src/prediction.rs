//! What the simulator foretold of a run.

use serde::Serialize;

/// What the simulator says of a run's measured stage.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Prediction {
    /// Plans carried out in the whole run.
    pub actions: f64,
    /// Executors of bolts at the end.
    pub executors: f64,
    /// Executor-seconds of bolts within the stage.
    pub executor_secs: f64,
    /// Words counted per second.
    pub throughput: f64,
    /// Median complete latency.
    pub complete_p50_ms: f64,
    /// 95th percentile of it.
    pub complete_p95_ms: f64,
}
