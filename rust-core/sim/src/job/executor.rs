//! An executor of a running job.

use thalweg_core::model::{SlotRef, TaskRange};

use super::cohort::Fifo;

/// A running executor.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Executor {
    /// Ordinal of its component.
    pub component: usize,
    /// Its tasks.
    pub tasks: TaskRange,
    /// Where it runs.
    pub slot: Option<SlotRef>,
    /// From when on it works, in seconds.
    pub works_from: f64,
    /// When its process started, in seconds.
    pub started: f64,
    /// What waits before it.
    pub queue: Fifo,
    /// What it has done since it started.
    pub totals: Totals,
}

/// What an executor has done.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Totals {
    /// Records worked on.
    pub executed: f64,
    /// Records sent, each once.
    pub emitted: f64,
    /// Records sent, as often as they are received.
    pub transferred: f64,
    /// Seconds of work.
    pub busy: f64,
    /// Seconds of waiting for a slower receiver.
    pub held: f64,
    /// Roots complete (of a source).
    pub completed: f64,
    /// Sum of their latencies in seconds.
    pub complete_secs: f64,
    /// Roots that timed out (of a source).
    pub failed: f64,
    /// Accesses to state.
    pub accesses: f64,
    /// Those that memory answered.
    pub hits: f64,
}
