//! What an action tries.

use serde::{Deserialize, Serialize};

use crate::model::Topology;
use crate::plan::Plan;
use crate::reason::{Reason, ReasonCode};

/// What an action is known by when it is tried again.
///
/// More executors are the same cure whatever asks for them, but a move for another reason goes
/// elsewhere, and may be what puts the first one right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Attempt {
    /// Other counts, and not fewer executors in all, or more memory.
    More,
    /// Fewer executors, or as many with less memory.
    Fewer,
    /// The same executors in other places, and why.
    Move(Option<ReasonCode>),
}

impl Attempt {
    /// What a plan for a topology attempts.
    pub fn of(plan: &Plan, topology: &Topology, reasons: &[Reason]) -> Self {
        if plan.only_moves() {
            return Self::Move(reasons.first().map(|reason| reason.code));
        }
        let less_memory_only = plan.counts.is_empty() && !plan.raises_memory(topology);
        let fewer = plan.rows.len() < topology.executors.len() || less_memory_only;
        if fewer { Self::Fewer } else { Self::More }
    }

    /// The attempt, for people.
    pub fn text(self) -> &'static str {
        match self {
            Self::More => "growth",
            Self::Fewer => "reduction",
            Self::Move(_) => "move for this reason",
        }
    }
}
