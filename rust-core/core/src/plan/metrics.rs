//! The measures by which actions are judged.

use serde::{Deserialize, Serialize};

use crate::units::{Millis, RatePerSec, Share};

/// The measures by which an action is judged.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Metrics {
    /// Mean complete latency of the sources' tuples.
    pub complete_latency: Option<Millis>,
    /// Mean process latency of the operators.
    pub process_latency: Option<Millis>,
    /// Mean execute latency of the operators.
    pub execute_latency: Option<Millis>,
    /// Tuples the sources brought in per second.
    pub throughput: RatePerSec,
    /// Busy share of the busiest executor.
    pub capacity: Share,
}

/// An executor that is busy for this share of the time has no time left.
const FULL: f64 = 0.95;

impl Metrics {
    /// Whether the busiest executor has no time left.
    pub fn is_full(&self) -> bool {
        self.capacity.get() >= FULL
    }
}
