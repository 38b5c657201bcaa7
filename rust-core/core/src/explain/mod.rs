//! Why: reasons, verdicts, decision records.
//!
//! Every decision, also the one to do nothing, carries at least one [`Reason`] with the measured
//! value, the limit it was held against, and the setting that moves that limit.

mod decision;
mod reason;

pub use decision::{
    ComponentView, Decision, Metrics, NodeView, Outcome, Plan, PlanKind, TopologyView, Verdict,
};
pub use reason::{Reason, ReasonCode};
