//! What may be set about the policy.

use serde::{Deserialize, Serialize};

use crate::units::{Millis, Share};

/// What may be set about the policy `thalweg`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ThalwegSettings {
    /// Busy share at which components are sized.
    pub target: Share,
    /// Busy share above which a component is short of executors.
    pub limit: Share,
    /// The quantile of forecast demand that is planned for.
    pub quantile: Share,
    /// How far ahead an action that has to be is sized.
    pub ahead: Millis,
    /// Time in which a backlog is to be caught up with.
    pub catch_up: Millis,
    /// Time that an action is taken to stop the topology, until that was seen.
    pub restart: Millis,
    /// Standard deviations by which capacity is taken to be below its estimate.
    pub confidence: f64,
    /// Distance from observed executor counts beyond which scaling is taken to be linear.
    pub alpha: u32,
    /// How long a component must have been short.
    pub up_delay: Millis,
    /// How long fewer executors must have been enough.
    pub down_window: Millis,
    /// Time over which a saving has to pay for the action.
    pub horizon: Millis,
    /// How much dearer a second of the topology's stop is than a second of its executors.
    pub disruption: f64,
    /// The latency that is aimed at; 0 where only throughput counts.
    pub latency: Millis,
    /// The most memory that an executor may be given, in MiB; 0 where memory is not changed.
    pub memory_max_mib: u32,
    /// Memory that costs as much as an executor does without it, in MiB.
    pub memory_per_executor_mib: f64,
}

impl Default for ThalwegSettings {
    fn default() -> Self {
        let secs = |seconds: f64| Millis::saturating(seconds * 1000.0);
        Self {
            target: Share::saturating(0.75),
            limit: Share::saturating(0.9),
            quantile: Share::saturating(0.9),
            ahead: secs(300.0),
            catch_up: secs(300.0),
            restart: secs(30.0),
            confidence: 1.0,
            alpha: 3,
            up_delay: secs(20.0),
            down_window: secs(600.0),
            horizon: secs(3600.0),
            disruption: 16.0,
            latency: Millis::ZERO,
            memory_max_mib: 0,
            memory_per_executor_mib: 4096.0,
        }
    }
}
