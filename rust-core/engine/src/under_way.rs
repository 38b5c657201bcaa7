//! The action under way, as it is in memory, in the store, and once it is over.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use thalweg_core::action::Action;
use thalweg_core::plan::Plan;
use thalweg_core::units::Timestamp;

/// The action under way, with what the shell told of it.
#[derive(Debug, Clone)]
pub(crate) struct UnderWay {
    pub(crate) action: Action,
    /// What the shell reported of each step.
    pub(crate) steps: Vec<Value>,
    /// When anything was heard of it last.
    pub(crate) heard_at: Timestamp,
    /// Since which look its topology has been missing from all.
    pub(crate) missing_since: Option<Timestamp>,
}

/// Actions as the store keeps them.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Stored {
    /// The one under way.
    pub(crate) under_way: Option<Action>,
    /// Those carried out whose effect is not judged yet.
    #[serde(default)]
    pub(crate) settled: Vec<Action>,
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
