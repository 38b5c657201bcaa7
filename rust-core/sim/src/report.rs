//! What a run tells: measures over all of it, its course, and its actions.

use std::collections::BTreeMap;

use serde::Serialize;

/// A run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunResult {
    /// The scenario.
    pub scenario: String,
    /// The policy.
    pub policy: String,
    /// The seed.
    pub seed: u64,
    /// Measures over the whole run.
    pub measures: Measures,
    /// Its course, a point for each interval.
    pub points: Vec<Point>,
    /// What was done.
    pub actions: Vec<ActionRecord>,
    /// How often each reason stood first, by its code.
    pub reasons: BTreeMap<String, u64>,
}

impl RunResult {
    /// A quantile of the median latencies of its intervals, in ms.
    pub fn latency(&self, share: f64) -> Option<f64> {
        quantile(self.points.iter().filter_map(|point| point.p50_ms), share)
    }
}

/// The value that this share of all lies below or at; nothing where there are none.
pub(crate) fn quantile(values: impl Iterator<Item = f64>, share: f64) -> Option<f64> {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    sorted.get(((sorted.len().max(1) - 1) as f64 * share) as usize).copied()
}

/// Measures over a whole run.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Measures {
    /// Simulated hours.
    pub hours: f64,
    /// Source records that arrived.
    pub arrived: f64,
    /// Those completely worked on.
    pub completed: f64,
    /// Plans carried out.
    pub reconfigurations: u64,
    /// Plans given up.
    pub given_up: u64,
    /// Plans carried out per change of the load, the start being one.
    pub reconfigurations_per_change: Option<f64>,
    /// Share of time in which some component could do less than was demanded of it.
    pub under_time: f64,
    /// Share of time in which more executors ran than a utilisation of 0.5 would need.
    pub over_time: f64,
    /// What waited before the sources, summed over time, in record-seconds per record that arrived.
    pub backlog_area: f64,
    /// Most that waited before the sources, in seconds of the mean rate.
    pub worst_backlog_secs: f64,
    /// Mean latency from arrival to completion.
    pub mean_ms: f64,
    /// Median latency.
    pub p50_ms: f64,
    /// 95th percentile.
    pub p95_ms: f64,
    /// 99th percentile.
    pub p99_ms: f64,
    /// Executor-hours of operators.
    pub executor_hours: f64,
    /// The fewest executor-hours that would have met the demand at each instant.
    pub needed_executor_hours: f64,
    /// Hours of nodes that held executors.
    pub node_hours: f64,
    /// GiB-hours of executors' memory.
    pub memory_hours: f64,
    /// Source records replayed.
    pub replayed: f64,
    /// Seconds in which nothing was completed although something waited.
    pub outage_secs: f64,
    /// Decisions.
    pub decisions: u64,
    /// Mean absolute error of the policy's capacities, where it says what it believes.
    pub capacity_mape: Option<f64>,
}

/// A run in one interval.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Point {
    /// End of the interval, in seconds.
    pub secs: f64,
    /// Source records that arrived per second.
    pub offered: f64,
    /// Source records that were taken per second.
    pub taken: f64,
    /// Source records completed per second.
    pub completed: f64,
    /// What waits before the sources.
    pub lag: f64,
    /// Executors of operators.
    pub executors: u32,
    /// Executors that would have been enough.
    pub needed: u32,
    /// Seconds in which some component could do less than was demanded of it.
    pub under_secs: f64,
    /// Nodes that hold executors.
    pub nodes: u32,
    /// Median latency.
    pub p50_ms: Option<f64>,
    /// 95th percentile of latency.
    pub p95_ms: Option<f64>,
}

/// An action.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ActionRecord {
    /// When it was decided, in seconds.
    pub decided_secs: f64,
    /// When it ended, in seconds.
    pub ended_secs: f64,
    /// What it changed.
    pub kind: String,
    /// New executor counts.
    pub counts: BTreeMap<String, u32>,
    /// New memory of executors, in MiB.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub memory_mib: BTreeMap<String, u32>,
    /// Executors that moved.
    pub moved: usize,
    /// The first reason, as the policy gave it.
    pub reason: String,
    /// Whether it was carried out.
    pub done: bool,
    /// What came of it, once that was judged.
    pub outcome: Option<String>,
}
