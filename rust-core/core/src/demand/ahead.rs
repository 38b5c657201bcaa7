//! What sources are expected to bring.

use serde::{Deserialize, Serialize};

use crate::units::{RatePerSec, Timestamp};

/// What all sources of a topology together are expected to bring by the time at which an action decided now would take
/// effect.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LoadForecast {
    /// When that is.
    pub due: Timestamp,
    /// Records per second that are expected.
    pub expected: RatePerSec,
    /// Records per second that the policy reckons with.
    pub upper: RatePerSec,
}
