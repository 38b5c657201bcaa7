//! An action from the decision to its outcome.

use serde::{Deserialize, Serialize};

use super::attempt::Attempt;
use super::baseline::Baseline;
use super::origin::Origin;
use super::way_back::WayBack;
use crate::units::{Millis, Share, Timestamp};

/// A plan being carried out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
    /// How busy the busiest executor was expected to be afterwards, as far as that could be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_busy: Option<Share>,
    /// When it was decided; later by as long as nobody led where it was taken over.
    pub since: Timestamp,
}

impl InFlight {
    /// A plan of which nothing but the name is known: nothing is learned from it, and nothing leads back.
    pub fn found(plan: String, since: Timestamp) -> Self {
        let (attempt, origin) = (Attempt::Move(None), Origin::Operator);
        Self {
            plan,
            attempt,
            origin,
            way_back: None,
            before: Baseline::default(),
            expected_busy: None,
            since,
        }
    }
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
