//! What may be set about each policy, with the defaults that its authors recommend.
//!
//! What the policy `me-stream` goes by is older than the others and stands in [`Settings`](super::Settings)
//! itself.

use serde::{Deserialize, Serialize};

use crate::units::{Millis, Share};

/// What may be set about the policy `threshold`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ThresholdSettings {
    /// The busy share that is aimed at.
    pub target: Share,
    /// Relative distance from it that changes nothing.
    pub tolerance: Share,
    /// How long fewer executors must have been enough.
    pub down_window: Millis,
}

impl Default for ThresholdSettings {
    fn default() -> Self {
        Self {
            target: Share::saturating(0.8),
            tolerance: Share::saturating(0.1),
            down_window: Millis::saturating(300_000.0),
        }
    }
}

/// What may be set about the policy `dhalion`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DhalionSettings {
    /// Time between rounds, over which symptoms are measured.
    pub interval: Millis,
    /// The part of executors that a scale-down keeps.
    pub scale_down: Share,
    /// Busy share below which nothing waits at a component.
    pub idle_below: Share,
    /// Share of a diagnosis's actions that were ineffective from which it is blacklisted.
    pub blacklist_ratio: Share,
}

impl Default for DhalionSettings {
    fn default() -> Self {
        Self {
            interval: Millis::saturating(300_000.0),
            scale_down: Share::saturating(0.8),
            idle_below: Share::saturating(0.5),
            blacklist_ratio: Share::saturating(0.5),
        }
    }
}

/// What may be set about the policy `ds2`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ds2Settings {
    /// Decisions in a row that are needed to act.
    pub activation: usize,
    /// Target rate over achieved rate above which all operators grow once converged. The paper runs
    /// with 1; 5 % are left for noise.
    pub target_rate_ratio: f64,
    /// Share of executors added to every operator's need.
    pub headroom: f64,
}

impl Default for Ds2Settings {
    fn default() -> Self {
        Self { activation: 1, target_rate_ratio: 1.05, headroom: 0.0 }
    }
}

/// What may be set about the policy `flink-autoscaler`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AutoscalerSettings {
    /// `job.autoscaler.utilization.target`.
    pub target: Share,
    /// Distance of both ends of the band from the target.
    pub boundary: Share,
    /// `job.autoscaler.catch-up.duration`.
    pub catch_up: Millis,
    /// `job.autoscaler.restart.time`.
    pub restart: Millis,
    /// `job.autoscaler.scale-down.max-factor`.
    pub max_down: Share,
    /// `job.autoscaler.scale-up.max-factor`.
    pub max_up: f64,
    /// `job.autoscaler.scale-down.interval`.
    pub down_delay: Millis,
    /// `job.autoscaler.vertex.max-parallelism`.
    pub most: u32,
    /// `job.autoscaler.backlog-processing.lag-threshold`.
    pub backlog_lag: Millis,
    /// `job.autoscaler.observed-scalability.enabled`.
    pub observed_scalability: bool,
    /// `job.autoscaler.scaling.effectiveness.detection.enabled`.
    pub detect_ineffective: bool,
    /// `job.autoscaler.scaling.effectiveness.threshold`.
    pub effectiveness: Share,
}

impl Default for AutoscalerSettings {
    fn default() -> Self {
        let minutes = |minutes: f64| Millis::saturating(minutes * 60_000.0);
        Self {
            target: Share::saturating(0.7),
            boundary: Share::saturating(0.3),
            catch_up: minutes(30.0),
            restart: minutes(5.0),
            max_down: Share::saturating(0.6),
            max_up: 100_000.0,
            down_delay: minutes(60.0),
            most: 200,
            backlog_lag: minutes(5.0),
            observed_scalability: false,
            detect_ineffective: false,
            effectiveness: Share::saturating(0.1),
        }
    }
}

/// What may be set about the policy `conttune`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConttuneSettings {
    /// Distance from observed parallelism within which the process is trusted.
    pub alpha: u32,
    /// Observations kept and averaged for each parallelism.
    pub kept: usize,
    /// Share of time under back-pressure, or of arrivals left waiting, from which all double.
    pub pressure: Share,
}

impl Default for ConttuneSettings {
    fn default() -> Self {
        Self { alpha: 3, kept: 5, pressure: Share::saturating(0.1) }
    }
}

/// What may be set about the policy `thalweg`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ThalwegSettings {
    /// Busy share at which components are sized.
    pub target: Share,
    /// Busy share above which a component is short of executors.
    pub limit: Share,
    /// Whether more is planned for than what arrives now, where the past makes expect it.
    #[serde(default = "always")]
    pub forecast: bool,
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
            forecast: true,
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

/// What was always done before it could be set.
fn always() -> bool {
    true
}
