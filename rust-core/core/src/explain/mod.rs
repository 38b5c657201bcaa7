//! Why: reasons, verdicts, decision records.
//!
//! Every decision, also the one to do nothing, carries at least one [`Reason`] with the measured
//! value, the limit it was held against, and the setting that moves that limit.

mod chain;
mod decision;
pub mod gauges;

pub use crate::reason::{Reason, ReasonCode};
pub use chain::{Chain, Change, Check, Desired, Guard, Offer, Signal};
pub use decision::{ComponentView, Decision, NodeView, Outcome, Recovery, TopologyView, Verdict};

pub use crate::plan::{Metrics, Plan, PlanKind};
