//! An action from the decision to its outcome.

use super::{Attempt, Baseline, WayBack};
use crate::units::{Millis, Timestamp};

/// Who wants a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The policy.
    Policy,
    /// An operator: it need not wait, nor have helped before.
    Operator,
    /// The plan before it, which did harm: it need not have helped before.
    Rollback,
}

/// A plan being carried out.
#[derive(Debug, Clone, PartialEq)]
pub struct InFlight {
    /// Its id.
    pub plan: String,
    /// What it tries.
    pub attempt: Attempt,
    /// Who wanted it.
    pub origin: Origin,
    /// What leads back from it, if it may be undone.
    pub way_back: Option<WayBack>,
    /// How things stood when it was decided.
    pub before: Baseline,
    /// When it was decided.
    pub since: Timestamp,
}

/// A finished action whose effect is not known yet.
#[derive(Debug, Clone, PartialEq)]
pub struct Awaited {
    /// The plan that was carried out.
    pub action: InFlight,
    /// When its effect can be judged.
    pub due: Timestamp,
    /// How long it took.
    pub took: Millis,
}
