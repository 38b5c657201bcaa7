//! What Prometheus knows of nodes, or what it would read there.
//!
//! **In**: a [`Server`], or [`Target`]s that are scraped directly; and the nodes that one wants to know of. **Out**: a
//! [`NodeTelemetry`] per node, with a value or the reason why there is none for each quantity, and what was left out and why.

mod counters;
mod error;
pub mod exposition;
mod history;
mod jvm;
mod machine;
mod machines;
mod names;
mod quantity;
mod reading;
mod scrape;
mod series;
mod server;
mod telemetry;
#[cfg(test)]
mod tests;

pub use error::PrometheusError;
pub use history::{Moments, history};
pub use quantity::Quantity;
pub use reading::{Missing, Reading, Value};
pub use scrape::{Scrapes, Target};
pub use series::{Point, Series, Span};
pub use server::{Server, series_of};
pub use telemetry::{Known, LeftOut, NodeTelemetry, Telemetry, Unfit, Who, read};
