//! Counters as executors keep them: sampled by Storm, exact in Flink.

use thalweg_core::model::Counters;

use crate::job::Totals;
use crate::random::Random;
use crate::scenario::{ComponentSpec, Metrics};

/// Standard deviation of a time that is read in whole milliseconds.
const ROUNDING_SECS: f64 = 0.000_408;

/// An executor between two of its reports.
pub(super) struct Span<'a> {
    /// What it said last.
    pub before: &'a Counters,
    /// What was true then.
    pub was: &'a Totals,
    /// What is true now.
    pub is: &'a Totals,
    /// Seconds since it started.
    pub uptime: f64,
}

/// Cumulative counters as a sampling executor keeps them.
pub(super) fn sampled(
    metrics: &Metrics,
    component: &ComponentSpec,
    span: &Span<'_>,
    random: &mut Random,
) -> Counters {
    let &Span { before, was, is, uptime } = span;
    let block = (1.0 / metrics.sample_rate.clamp(1e-3, 1.0)).round();
    // One tuple of each block is counted, as a whole block, when its turn comes.
    let mut count = |before: u64, was: f64, is: f64| {
        let turn = random.unit();
        let counted = ((is / block + turn).floor() * block).max(0.0) as u64;
        if is > was { before.max(counted) } else { before }
    };
    let ticks = |uptime_secs: u32| {
        component.tick_secs.map_or(0, |secs| (f64::from(uptime_secs) / secs.max(1.0)) as u64)
    };
    let uptime_secs = uptime.max(0.0) as u32;
    let before_executed = before.executed.saturating_sub(ticks(before.uptime_secs));
    let executed = count(before_executed, was.executed, is.executed);
    let emitted = count(before.emitted, was.emitted, is.emitted);
    let completed = count(before.completed, was.completed, is.completed);
    let failed = count(before.failed, was.failed, is.failed);
    let transferred = count(before.transferred, was.transferred, is.transferred);
    // Times are means over the tuples sampled since the last report, each off by its rounding.
    let mut time = |counted: u64, before: u64, before_ms: f64, was: (f64, f64), is: (f64, f64)| {
        let (tuples, secs) = (is.0 - was.0, is.1 - was.1);
        let fresh = counted.saturating_sub(before) as f64;
        if tuples <= 0.0 || fresh <= 0.0 {
            return before_ms;
        }
        let mean = secs / tuples;
        let sampled = (fresh / block).max(1.0);
        let spread = (ROUNDING_SECS.powi(2) + (metrics.noise * mean).powi(2) * sampled).sqrt();
        let noisy = (mean + random.normal() * spread / sampled.sqrt()).max(0.0);
        before_ms + fresh * noisy * 1000.0
    };
    let seen = 1.0 - component.unseen_share;
    let execute_ms = time(
        executed,
        before_executed,
        before.execute_ms,
        (was.executed, was.busy * seen),
        (is.executed, is.busy * seen),
    );
    // A tuple is acknowledged once all of its work is done, and it is not held back any more.
    let fresh = executed.saturating_sub(before_executed) as f64;
    let worked_ms = (execute_ms - before.execute_ms) / seen.max(1e-3);
    let process_ms = before.process_ms + worked_ms + fresh * component.acknowledged_after_millis;
    let complete_ms = time(
        completed,
        before.completed,
        before.complete_ms,
        (was.completed, was.complete_secs),
        (is.completed, is.complete_secs),
    );
    Counters {
        uptime_secs,
        executed: executed + ticks(uptime_secs),
        execute_ms,
        acked: executed,
        process_ms,
        failed,
        emitted,
        transferred,
        completed,
        complete_ms,
        ..Counters::default()
    }
}

/// Cumulative counters as an executor keeps them that counts everything.
pub(super) fn exact(totals: &Totals, uptime: f64, state_bytes: Option<u64>) -> Counters {
    Counters {
        uptime_secs: uptime.max(0.0) as u32,
        executed: totals.executed as u64,
        execute_ms: totals.busy * 1000.0,
        acked: totals.executed as u64,
        process_ms: totals.busy * 1000.0,
        failed: totals.failed as u64,
        emitted: totals.emitted as u64,
        transferred: totals.transferred as u64,
        completed: totals.completed as u64,
        complete_ms: totals.complete_secs * 1000.0,
        busy_ms: Some(totals.busy * 1000.0),
        backpressured_ms: Some(totals.held * 1000.0),
        idle_ms: Some((uptime - totals.busy - totals.held).max(0.0) * 1000.0),
        state_bytes,
        state_accesses: state_bytes.map(|_| totals.accesses as u64),
        state_hits: state_bytes.map(|_| totals.hits as u64),
        ..Counters::default()
    }
}
