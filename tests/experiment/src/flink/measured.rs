//! What one run under a load that changes measured.

use serde::Serialize;
use thalweg_sim::calibrate::Recording;

use super::prediction::Prediction;
use super::side::FlinkSide;

/// A restart of the job with another parallelism or elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Rescale {
    /// Seconds from the start of the load.
    pub at_s: f64,
    /// The longest time without output around it.
    pub gap_s: f64,
    /// The part of it before Flink deploys the new tasks: the old ones are cancelled, and a graph is made.
    pub stop_s: f64,
    /// From the request to the first output of the new tasks.
    pub open_s: Option<f64>,
}

/// What was seen at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Sample {
    /// Seconds from the start of the load.
    pub at_s: f64,
    /// Slots in use.
    pub slots: u32,
    /// Parallelism of the step that is loaded.
    pub parallelism: u32,
    /// Lines sent and not yet counted.
    pub backlog: f64,
}

/// One run of one side.
#[derive(Debug, Clone, Serialize)]
pub struct Stepped {
    /// Who decided.
    pub side: FlinkSide,
    /// Seconds from the step up to enough parallelism; nothing where it never came, or there are no steps.
    pub time_to_right_s: Option<f64>,
    /// Restarts between the step up and the step down; where there are no steps, all of them.
    pub rescales_up: u32,
    /// Every restart.
    pub rescales: Vec<Rescale>,
    /// Lines not yet counted, summed over time.
    pub backlog_area: f64,
    /// Slots in use, summed over time.
    pub slot_seconds: f64,
    /// What 99 of 100 words stayed below, from Kafka to their count.
    pub p99_ms: f64,
    /// Whether each word was counted once.
    pub exactly_once: bool,
    /// The run as it went.
    pub samples: Vec<Sample>,
    /// What the simulator says of the same run, where Thalweg has a part in it.
    pub predicted: Option<Prediction>,
    /// What else is worth knowing.
    pub notes: Vec<String>,
    /// The run while its load lasted.
    #[serde(skip)]
    pub recording: Recording,
}

impl Stepped {
    /// The mean of the gaps of its restarts.
    pub fn gap_s(&self) -> Option<f64> {
        mean(self.rescales.iter().map(|rescale| rescale.gap_s))
    }

    /// The mean part of them before new tasks are deployed.
    pub fn stop_s(&self) -> Option<f64> {
        mean(self.rescales.iter().map(|rescale| rescale.stop_s))
    }

    /// The mean part of them from when new tasks are deployed to their first output.
    pub fn deploy_s(&self) -> Option<f64> {
        mean(self.rescales.iter().map(|rescale| rescale.gap_s - rescale.stop_s))
    }

    /// The mean time from request to output.
    pub fn open_s(&self) -> Option<f64> {
        mean(self.rescales.iter().filter_map(|rescale| rescale.open_s))
    }
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let values: Vec<f64> = values.collect();
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}
