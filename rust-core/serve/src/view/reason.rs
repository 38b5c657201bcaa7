//! Statements about decisions.

use serde::Serialize;
use thalweg_core::reason::Reason;
use utoipa::ToSchema;

use crate::names::word;

/// A statement about a decision.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ReasonShown {
    /// Its stable name.
    pub code: String,
    /// The statement.
    pub text: String,
    /// What was measured.
    pub measured: Option<f64>,
    /// What it was held against.
    pub limit: Option<f64>,
    /// The setting that moves the limit.
    pub setting: Option<String>,
}

/// Shows reasons.
pub fn reasons(reasons: &[Reason]) -> Vec<ReasonShown> {
    let shown = |reason: &Reason| ReasonShown {
        code: word(&reason.code),
        text: reason.text.clone(),
        measured: reason.measured,
        limit: reason.limit,
        setting: reason.setting.clone(),
    };
    reasons.iter().map(shown).collect()
}
