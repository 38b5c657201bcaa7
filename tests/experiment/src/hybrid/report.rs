//! What came of it, for people and as JSON.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use thalweg_core::explain::{Reason, Verdict};

use crate::status::Status;

/// Where a Thalweg decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// Spark.
    Edge,
    /// Flink.
    Cloud,
}

/// What one run came to.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// Days of trips.
    pub days: usize,
    /// Trips that came, broken ones too.
    pub trips: u64,
    /// From the first trip to the last result.
    pub seconds: f64,
    /// Sums in Kafka.
    pub records: u64,
    /// Of these, those that were sent more than once.
    pub twice: u64,
    /// Results that were compared: a zone's hour each.
    pub windows: usize,
    /// Results that are not the batch's.
    pub different: Vec<String>,
    /// What died.
    pub recoveries: Vec<Recovery>,
    /// What the Thalwegs did.
    pub plans: BTreeMap<String, Planned>,
}

/// How something was survived.
#[derive(Debug, Clone, Serialize)]
pub struct Recovery {
    /// What died.
    pub what: String,
    /// Seconds until the next result of its side.
    pub secs: f64,
}

/// What a Thalweg did, and why.
#[derive(Debug, Clone, Serialize)]
pub struct Planned {
    /// Where.
    pub engine: Engine,
    /// Executors by component.
    pub counts: BTreeMap<String, u32>,
    /// The first reason.
    pub reason: String,
    /// How it ended; nothing while it is under way.
    pub ended: Option<String>,
}

impl Report {
    /// Takes in what a Thalweg says of itself.
    pub(super) fn saw(&mut self, engine: Engine, status: &Status) {
        for decision in status.decisions.iter().filter(|decision| decision.verdict == Verdict::Act)
        {
            let Some(plan) = &decision.plan else { continue };
            let reason = decision.reasons.first();
            let planned = || Planned {
                engine,
                counts: plan.counts.iter().map(|(id, count)| (id.clone(), *count)).collect(),
                reason: reason.map(told).unwrap_or_default(),
                ended: None,
            };
            self.plans.entry(format!("{engine:?} {}", plan.id)).or_insert_with(planned);
        }
        for ended in &status.ended {
            if let Some(planned) = self.plans.get_mut(&format!("{engine:?} {}", ended.plan.id)) {
                planned.ended = Some(ended.code.clone().unwrap_or_else(|| ended.how.clone()));
            }
        }
    }

    /// Whether the stream came to what the batch comes to; where something died, although sums were sent twice.
    pub fn is_right(&self) -> bool {
        let tried = self.recoveries.is_empty() || self.twice > 0;
        self.windows > 0 && self.different.is_empty() && tried
    }
}

/// A reason with what was measured and the limit.
fn told(reason: &Reason) -> String {
    match (reason.measured, reason.limit) {
        (Some(measured), Some(limit)) => format!("{}: {measured:.2} of {limit:.2}", reason.text),
        _ => reason.text.clone(),
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { days, trips, seconds, records, twice, windows, different, .. } = self;
        writeln!(f, "{trips} trips of {days} days in {seconds:.0} s")?;
        writeln!(f, "edge to cloud: {records} sums, {twice} of them sent again after a failure")?;
        let right = windows - different.len();
        writeln!(f, "demand of zones by the hour: {right} of {windows} as a batch over all trips")?;
        for one in different.iter().take(10) {
            writeln!(f, "  {one}")?;
        }
        for Recovery { what, secs } in &self.recoveries {
            writeln!(f, "{what} killed: the next result of its side after {secs:.1} s")?;
        }
        for Planned { engine, counts, reason, ended } in self.plans.values() {
            let counts: Vec<String> = counts.iter().map(|(id, n)| format!("{id} {n}")).collect();
            let ended = ended.as_deref().unwrap_or("under way");
            writeln!(f, "Thalweg, {engine:?}: {} ({ended}), because {reason}", counts.join(", "))?;
        }
        Ok(())
    }
}
