//! What goes wrong, and when.

use serde::{Deserialize, Serialize};

/// How measurements fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MetricLoss {
    /// Nothing is reported.
    Lost,
    /// The last report is repeated.
    Stale,
    /// Every second executor reports nothing.
    Partial,
    /// Zeros are reported.
    Zero,
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum FaultKind {
    /// A node and all that runs on it is gone.
    NodeDeath {
        /// Its ordinal.
        node: usize,
    },
    /// Something ends the job: Flink restarts all of it from its last checkpoint once that is noticed.
    /// Storm has no such fault, as its workers restart one by one.
    JobFailure,
    /// The worker of an executor ends again and again, and is started again in its place.
    Restarts {
        /// Ordinal of its component.
        component: usize,
        /// Its place among that component's executors.
        executor: usize,
        /// Seconds from one start to the next.
        period_secs: f64,
    },
    /// A node works at a part of its speed.
    SlowNode {
        /// Its ordinal.
        node: usize,
        /// What is left of its speed.
        factor: f64,
    },
    /// A node's link takes longer.
    SlowLink {
        /// Its ordinal.
        node: usize,
        /// Its new round trip.
        round_trip_millis: f64,
    },
    /// Every record takes longer for all nodes, as when something they share is slow.
    SlowNetwork {
        /// Milliseconds added to each hop between nodes.
        millis: f64,
    },
    /// Measurements fail.
    Metrics {
        /// How.
        loss: MetricLoss,
    },
    /// A part of the cluster's processor time goes to somebody else.
    Interference {
        /// Cores taken on every node.
        cores: f64,
    },
}

impl FaultKind {
    /// Whether it befalls nodes, or what is between them, whatever runs there.
    pub fn is_of_nodes(self) -> bool {
        match self {
            Self::NodeDeath { .. }
            | Self::SlowNode { .. }
            | Self::SlowLink { .. }
            | Self::SlowNetwork { .. }
            | Self::Interference { .. } => true,
            Self::JobFailure | Self::Restarts { .. } | Self::Metrics { .. } => false,
        }
    }
}

/// Something that goes wrong for a while.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// When it begins.
    pub at_secs: f64,
    /// How long it lasts.
    #[serde(default = "long")]
    pub for_secs: f64,
    /// What it is.
    #[serde(flatten)]
    pub kind: FaultKind,
}

impl Fault {
    /// Whether it holds at an instant.
    pub fn holds(&self, secs: f64) -> bool {
        (self.at_secs..self.at_secs + self.for_secs).contains(&secs)
    }
}

fn long() -> f64 {
    f64::MAX / 4.0
}
