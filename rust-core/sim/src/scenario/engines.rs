//! How the engines behave, as far as a simulation of them must know.

use serde::{Deserialize, Serialize};

/// How a plan is carried out on Storm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// The first of the others that the plan allows.
    #[default]
    Auto,
    /// New workers start beside the old ones, then senders are switched.
    MakeBeforeBreak,
    /// Sources pause until nothing is on its way, then workers restart.
    Drain,
    /// Workers restart at once.
    Rebalance,
}

/// How Storm behaves. Times are ranges; each action draws its own. The defaults were measured on
/// Storm 2.8.3 with fast timings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Storm {
    /// Tuples that one spout task may have on their way (`topology.max.spout.pending`); 0 is no limit.
    pub max_spout_pending: f64,
    /// After this a tuple is replayed (`topology.message.timeout.secs`).
    pub message_timeout_secs: f64,
    /// For how long a source that waits for records looks at no acknowledgement, in ms; those that come
    /// meanwhile are seen with the next record (`KafkaSpoutConfig`: poll timeout).
    pub poll_millis: f64,
    /// Whether shuffling prefers receivers in the sender's worker until their queue is 80 % full.
    pub locality_aware: bool,
    /// How plans are carried out.
    pub method: Method,
    /// Seconds from a plan until new workers are ready beside the old ones.
    pub prepare_secs: [f64; 2],
    /// Seconds in which moved executors do not work when senders are switched.
    pub switch_secs: [f64; 2],
    /// Share of tuples on their way to moved executors that are lost in the switch.
    pub switch_loss: [f64; 2],
    /// Seconds in which a restarting worker does not work.
    pub restart_secs: [f64; 2],
    /// Processor seconds that a starting worker burns.
    pub start_cpu_secs: f64,
    /// Seconds until a dead worker is noticed (`nimbus.task.timeout.secs`).
    pub detect_secs: f64,
    /// Seconds between scheduling rounds (`nimbus.monitor.freq.secs`).
    pub round_secs: f64,
    /// Share of actions that fail and are given up after their preparation.
    pub failure_rate: f64,
}

impl Default for Storm {
    fn default() -> Self {
        Self {
            max_spout_pending: 500.0,
            message_timeout_secs: 30.0,
            poll_millis: 0.0,
            locality_aware: false,
            method: Method::Auto,
            prepare_secs: [8.0, 28.0],
            switch_secs: [0.0, 1.0],
            switch_loss: [0.0, 0.02],
            restart_secs: [5.0, 8.0],
            start_cpu_secs: 5.0,
            detect_secs: 30.0,
            round_secs: 10.0,
            failure_rate: 0.0,
        }
    }
}

/// How Flink behaves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Flink {
    /// Seconds between checkpoints.
    pub checkpoint_secs: f64,
    /// Seconds in which a restarting job does not work, without what its state needs.
    pub restart_secs: [f64; 2],
    /// State that one TaskManager restores in a second, in MiB.
    pub restore_mib: f64,
    /// Seconds until a dead TaskManager is noticed.
    pub detect_secs: f64,
    /// Whether a restarted job reads on where the last checkpoint was taken, working again on what
    /// came after it (as after a failure), or where it stopped (as with a savepoint).
    pub replay: bool,
}

impl Default for Flink {
    fn default() -> Self {
        Self {
            checkpoint_secs: 60.0,
            restart_secs: [5.0, 15.0],
            restore_mib: 200.0,
            detect_secs: 10.0,
            replay: true,
        }
    }
}

/// How the engine measures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Metrics {
    /// Seconds between two reports of an executor (Storm: `executor.metrics.frequency.secs`).
    pub report_secs: f64,
    /// Share of tuples that are counted and timed (Storm: `topology.stats.sample.rate`); Flink
    /// counts all.
    pub sample_rate: f64,
    /// Seconds from a report until it can be read.
    pub delay_secs: f64,
    /// Relative standard deviation of times.
    pub noise: f64,
    /// Whether lag and partitions of sources are known.
    pub lag: bool,
}

impl Default for Metrics {
    fn default() -> Self {
        Self { report_secs: 10.0, sample_rate: 0.05, delay_secs: 0.5, noise: 0.02, lag: true }
    }
}
