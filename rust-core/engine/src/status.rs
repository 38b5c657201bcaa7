//! What the engine shows of itself.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;
use serde_json::Value;
use thalweg_core::explain::{Decision, Outcome, Plan};
use thalweg_core::settings::Mode;
use thalweg_core::units::Timestamp;

/// How far the plan under way has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PlanState {
    /// Decided, nothing stored.
    Decided,
    /// Its routing table is stored.
    Published,
    /// Scheduling rounds place by it.
    Committed,
}

/// The plan under way.
#[derive(Debug, Clone, Serialize, serde::Deserialize)]
pub(crate) struct ActivePlan {
    pub(crate) plan: Plan,
    pub(crate) state: PlanState,
    pub(crate) since: Timestamp,
    /// What the shell reported of each step.
    #[serde(default)]
    pub(crate) steps: Vec<Value>,
}

/// A plan that ended.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct EndedPlan {
    pub(crate) plan: Plan,
    pub(crate) at: Timestamp,
    pub(crate) how: String,
    pub(crate) code: Option<String>,
    pub(crate) steps: Vec<Value>,
}

/// Everything that is shown.
#[derive(Debug, Serialize)]
pub(crate) struct Status<'a> {
    pub(crate) version: &'static str,
    pub(crate) at: Timestamp,
    pub(crate) mode: Mode,
    pub(crate) problems: &'a [String],
    pub(crate) store: Value,
    pub(crate) decisions: &'a [Decision],
    pub(crate) plan: Option<&'a ActivePlan>,
    pub(crate) ended: &'a VecDeque<EndedPlan>,
    pub(crate) outcomes: &'a VecDeque<Outcome>,
    pub(crate) counters: &'a BTreeMap<String, u64>,
}
