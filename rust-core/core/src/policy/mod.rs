//! Policies: from an assessed topology to what should change.

pub mod me_stream;

use std::collections::BTreeMap;

use crate::explain::Reason;

/// What a policy wants.
#[derive(Debug, Clone, PartialEq)]
pub enum Intent {
    /// Nothing, and why.
    Stay(Vec<Reason>),
    /// New executor counts for some components.
    Scale {
        /// By component ordinal.
        counts: BTreeMap<u32, u32>,
        /// Tasks wished for at the next submission, by component ordinal.
        wished_tasks: BTreeMap<u32, u32>,
        /// Why.
        reasons: Vec<Reason>,
    },
    /// The same executors in better places.
    Move(Vec<Reason>),
}
