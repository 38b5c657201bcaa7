//! Who watches a run, and what there is to see.

use thalweg_lab::control::TopologyInfo;

use crate::situation::Side;
use crate::status::Status;

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Cluster, topology and Kafka come up.
    SetUp,
    /// Lines come in.
    Load,
    /// Thalweg measures and decides, or the backlog is worked off.
    Decide,
    /// A plan is carried out.
    Act,
    /// What it brought is judged.
    Verify,
    /// The stable stage.
    Measure,
    /// Everything is stopped.
    TearDown,
}

/// What the last seconds looked like from outside.
#[derive(Debug, Clone, Copy, Default)]
pub struct Vitals {
    /// Words counted per second.
    pub words: f64,
    /// Mean time until a line was complete.
    pub complete_ms: f64,
    /// What 99 of 100 lines stayed below.
    pub p99_ms: u64,
    /// Lines sent to Kafka so far.
    pub sent: u64,
}

/// Sees a run as it goes on.
pub trait Witness {
    /// A phase began.
    fn phase(&mut self, side: Side, phase: Phase);
    /// Something happened that is worth a line.
    fn note(&mut self, text: &str);
    /// Called about twice a second.
    fn look(&mut self, vitals: Vitals, status: Option<&Status>, info: Option<&TopologyInfo>);
}

/// A witness that keeps what it sees to itself.
#[derive(Debug)]
pub struct Silent;

impl Witness for Silent {
    fn phase(&mut self, _: Side, _: Phase) {}
    fn note(&mut self, _: &str) {}
    fn look(&mut self, _: Vitals, _: Option<&Status>, _: Option<&TopologyInfo>) {}
}

/// What Thalweg is at, in the order of phases.
pub(crate) fn phase_of(status: Option<&Status>) -> Phase {
    match status {
        Some(status) if status.plan.is_some() => Phase::Act,
        Some(status) if status.done().next().is_some() => Phase::Verify,
        _ => Phase::Decide,
    }
}
