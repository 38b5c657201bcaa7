//! What policies are asked, and what they answer.

use std::collections::BTreeMap;

use crate::demand::Flow;
use crate::model::Topology;
use crate::reason::Reason;
use crate::settings::Settings;
use crate::units::{Millis, Timestamp};

/// What a policy is asked about.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// The topology.
    pub topology: &'a Topology,
    /// What its components did.
    pub flow: &'a Flow,
    /// The shortest time over which one of its executors was measured.
    pub span: Millis,
    /// The age of the oldest measurement of an executor.
    pub age: Millis,
    /// Whether other places for its executors may soon be found to be better.
    pub may_move: bool,
    /// Executors that a component may have at most, where each needs a slot that no other of them has.
    pub slots: Option<u32>,
    /// Cores of the nodes on which it runs, if all declare them.
    pub cores: Option<f64>,
    /// The settings.
    pub settings: &'a Settings,
    /// Now.
    pub now: Timestamp,
}

impl<'a> Situation<'a> {
    /// The name of a component.
    pub fn id(&self, index: usize) -> &'a str {
        self.topology.components.get(index).map_or("?", |component| component.id.as_str())
    }
}

/// What a policy wants.
#[derive(Debug, Clone, PartialEq)]
pub enum Intent {
    /// Nothing, and why.
    Stay(Vec<Reason>),
    /// New executor counts, or new memory for executors, of some components.
    Scale {
        /// By component ordinal.
        counts: BTreeMap<u32, u32>,
        /// New memory of each executor in MiB, by component ordinal.
        memory_mib: BTreeMap<u32, u32>,
        /// Tasks wished for at the next submission, by component ordinal.
        desired_tasks: BTreeMap<u32, u32>,
        /// By component ordinal: how many times its present work it is expected to have, where that is
        /// known. What runs at its limit does not show what it will do once it is relieved.
        growth: BTreeMap<u32, f64>,
        /// Why.
        reasons: Vec<Reason>,
    },
    /// The same executors in better places.
    Move(Vec<Reason>),
}

impl Intent {
    /// Whether executors get other counts or other memory, and with that new places.
    pub fn scales(&self) -> bool {
        matches!(self, Self::Scale { .. })
    }
}
