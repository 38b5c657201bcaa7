//! From cumulative counters to what was measured.
//!
//! Decides what counts as evidence. Input: counters of one executor over time. Output: a
//! [`Measurement`], which is either a sample with its age or the reason why there is none; absence
//! is never a zero. Counters restart with their worker, and that is recognised by the uptime or a
//! count running backwards; whoever sees an executor in another slot clears its history. It does not
//! smooth, weigh or average executors.

mod history;
mod holding;
mod metric_history;
mod report;
mod restarts;
mod sample;

pub use history::{Histories, History};
pub use holding::Holding;
pub use metric_history::MetricHistory;
pub use restarts::Restarts;
pub use sample::{Absence, Interval, Measurement, Sample};
