//! One executor's measurement over one span of time.

use serde::{Deserialize, Serialize};

use crate::model::Counters;
use crate::units::{Millis, RatePerSec, Share};

/// What is known about an executor over the last window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every executor has a sample, so a box each would cost more than it saves"
)]
pub enum Measurement {
    /// It was measured.
    Present(Sample),
    /// It was not, and why.
    Missing(Absence),
}

impl Measurement {
    /// The sample, if there is one.
    pub fn sample(&self) -> Option<&Sample> {
        match self {
            Self::Present(sample) => Some(sample),
            Self::Missing(_) => None,
        }
    }
}

/// Why an executor has no sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Absence {
    /// It runs nowhere.
    Unassigned,
    /// It never reported statistics.
    NeverReported,
    /// It reported too long ago.
    Stale,
    /// It reported only once since it started, so nothing can be differenced yet.
    JustStarted,
    /// It starts again and again.
    Restarting,
}

/// Differences of an executor's counters over a span.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// The time between the two reports.
    pub span: Millis,
    /// How old the newer report is.
    pub age: Millis,
    /// What happened between them.
    pub delta: Counters,
    /// What happened between the last two reports, and between the two before, where there are so many.
    pub newest: Option<[Interval; 2]>,
}

/// What an executor did between two reports that followed each other.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Tuples executed per second.
    pub executed: RatePerSec,
    /// Tuples emitted per second.
    pub emitted: RatePerSec,
}

impl Interval {
    /// From the counts before and after a span.
    pub fn of(before: &Counters, after: &Counters, span: Millis) -> Self {
        Self {
            executed: per_second(after.executed - before.executed, span),
            emitted: per_second(after.emitted - before.emitted, span),
        }
    }
}

impl Sample {
    /// Tuples executed per second.
    pub fn executed_rate(&self) -> RatePerSec {
        per_second(self.delta.executed, self.span)
    }

    /// Tuples emitted per second.
    pub fn emitted_rate(&self) -> RatePerSec {
        per_second(self.delta.emitted, self.span)
    }

    /// Tuples brought in per second by a source: those it took in where that is counted, else those it emitted.
    pub fn brought_rate(&self) -> RatePerSec {
        if self.delta.executed == 0 { self.emitted_rate() } else { self.executed_rate() }
    }

    /// Time spent in work, in ms, as the engine measures it.
    pub fn busy_ms(&self) -> f64 {
        self.delta.busy_ms.unwrap_or(self.delta.execute_ms)
    }

    /// Mean time spent in executing one tuple.
    pub fn execute_latency(&self) -> Option<Millis> {
        mean(self.busy_ms(), self.delta.executed)
    }

    /// Mean time until a received tuple was acknowledged.
    pub fn process_latency(&self) -> Option<Millis> {
        mean(self.delta.process_ms, self.delta.acked)
    }

    /// Mean time until a source's tuple was completely processed.
    pub fn complete_latency(&self) -> Option<Millis> {
        mean(self.delta.complete_ms, self.delta.completed)
    }

    /// Share of the span in which the executor was busy: Storm's capacity.
    pub fn capacity(&self) -> Share {
        if self.span == Millis::ZERO {
            return Share::ZERO;
        }
        Share::saturating(self.busy_ms() / self.span.get())
    }
}

fn per_second(count: u64, span: Millis) -> RatePerSec {
    if span == Millis::ZERO {
        return RatePerSec::ZERO;
    }
    RatePerSec::saturating(count as f64 * 1000.0 / span.get())
}

fn mean(total_ms: f64, count: u64) -> Option<Millis> {
    (count > 0).then(|| Millis::saturating(total_ms / count as f64))
}
