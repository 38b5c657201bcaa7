//! Changes of executors that were not ours: of another autoscaler, or of somebody who rebalances by hand.

use std::collections::{BTreeMap, VecDeque};

use serde_json::Value;
use thalweg_core::action::counted;
use thalweg_core::model::Observation;
use thalweg_core::units::Timestamp;

use crate::present::forget_absent;

/// What a change of ours still shows so long after it is over.
const ECHO_SECS: u64 = 120;
/// How long changes are remembered.
const HOUR_SECS: u64 = 3600;
/// The most changes of a topology that are remembered.
const MOST: usize = 100;

/// When others have changed executors, by topology.
#[derive(Debug, Clone, Default)]
pub struct OtherHands {
    counts: BTreeMap<String, BTreeMap<String, u32>>,
    changes: BTreeMap<String, VecDeque<Timestamp>>,
}

impl OtherHands {
    /// Compares what is seen with what was seen before; the status tells what was done here meanwhile.
    pub fn note(&mut self, seen: &Observation, status: &Value) {
        forget_absent(&mut self.counts, seen);
        forget_absent(&mut self.changes, seen);
        for topology in &seen.topologies {
            let counts = counted(topology);
            let before = self.counts.insert(topology.id.clone(), counts.clone());
            if before.is_some_and(|before| before != counts)
                && !is_ours(status, &topology.id, seen.at)
            {
                let changes = self.changes.entry(topology.id.clone()).or_default();
                changes.push_back(seen.at);
                if changes.len() > MOST {
                    changes.pop_front();
                }
            }
        }
    }

    /// How often others changed a topology's executors within the last hour.
    pub fn within_an_hour(&self, topology: &str, now: Timestamp) -> usize {
        let changes = self.changes.get(topology).into_iter().flatten();
        changes.filter(|at| now < at.plus_secs(HOUR_SECS)).count()
    }
}

/// Whether a change may be one of ours: a plan is under way, or was a short time ago.
fn is_ours(status: &Value, topology: &str, now: Timestamp) -> bool {
    let text =
        |value: &Value, at: &str| value.pointer(at).and_then(Value::as_str) == Some(topology);
    let ended = status["ended"].as_array().into_iter().flatten();
    let fresh = |ended: &Value| {
        let at = ended["at"].as_i64().map(Timestamp::from_millis);
        at.is_some_and(|at| now < at.plus_secs(ECHO_SECS))
    };
    text(status, "/plan/plan/topology")
        || ended.into_iter().any(|ended| text(ended, "/plan/topology") && fresh(ended))
}
