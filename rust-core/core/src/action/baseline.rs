//! What an action is measured against.

use serde::{Deserialize, Serialize};

use crate::model::{ComponentKind, Topology};
use crate::plan::Metrics;
use crate::signals::MetricHistory;
use crate::units::RatePerSec;

/// An effect smaller than this part of what was is none; and sources that are asked for as much but for
/// this part bear the same load.
pub const NOTICEABLE: f64 = 0.1;

/// How a topology did at one time.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Baseline {
    /// What is judged.
    pub metrics: Metrics,
    /// What its sources were asked for: what they brought in and what was left waiting. Nothing where
    /// the waiting is not counted.
    pub asked: Option<RatePerSec>,
}

impl Baseline {
    /// How the topology does now, by what was measured and by how what waits before its sources grows.
    pub fn of(topology: &Topology, metrics: Metrics, metric_history: &MetricHistory) -> Self {
        let components = topology.components.iter().enumerate();
        let sources = components.filter(|(_, c)| c.kind == ComponentKind::Source);
        let growth: Option<f64> = sources.map(|(index, _)| metric_history.growth(index)).sum();
        let asked = growth.map(|growth| RatePerSec::saturating(metrics.throughput.get() + growth));
        Self { metrics, asked }
    }

    /// Whether sources are asked for as much as at another time, as far as that can be told.
    pub fn same_load(&self, other: &Self) -> bool {
        match self.asked.zip(other.asked) {
            Some((was, is)) => same(was, is),
            None => same(self.metrics.throughput, other.metrics.throughput),
        }
    }

    /// What sources are asked for, or else bring in.
    pub fn load(&self) -> RatePerSec {
        self.asked.unwrap_or(self.metrics.throughput)
    }

    /// Whether more is asked for than is done: the busiest executor has no time left, or clearly less is brought in than
    /// is asked for.
    pub fn is_short(&self) -> bool {
        self.is_full() || self.falls_behind().is_some()
    }

    /// By how much sources fall behind what is asked for, where that is noticeable.
    pub fn falls_behind(&self) -> Option<RatePerSec> {
        let (brought, asked) = (self.metrics.throughput.get(), self.asked?.get());
        (brought < asked * (1.0 - NOTICEABLE)).then(|| RatePerSec::saturating(asked - brought))
    }

    /// Whether the busiest executor has no time left.
    pub fn is_full(&self) -> bool {
        self.metrics.is_full()
    }

    /// Whether sources bring in more than is asked for, from what was left waiting.
    pub fn catches_up(&self) -> bool {
        let brought = self.metrics.throughput.get();
        self.asked.is_some_and(|asked| asked.get() < brought * (1.0 - NOTICEABLE))
    }
}

/// Whether two rates are the same but for what is not noticeable.
pub fn same(was: RatePerSec, is: RatePerSec) -> bool {
    (is.get() - was.get()).abs() <= was.get() * NOTICEABLE
}
