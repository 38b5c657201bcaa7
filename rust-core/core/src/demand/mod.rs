//! What every component is asked to do, from what was measured.
//!
//! Input: one topology's samples, backlogs and streams. Output: a [`Flow`], which holds for each
//! component what it took in, gave out and could have done, and the demand that given source rates
//! put on it. Every policy starts from here; none of them is chosen here.
//!
//! What is asked is a [`Demand`]: executors share some of it, and each of them gets a copy of what is broadcast.
//!
//! Formulas: true processing rate and the one pass from the sources are those of DS2 (Kalavri et
//! al., OSDI 2018, equations 1 to 8); the source's target with growth and catch-up is that of the
//! Flink autoscaler (FLIP-271).

mod ahead;
mod asked;
mod component;
mod exceptions;
mod fit;
mod flow;
mod forecast;
mod graph;
mod mixed;
mod outlook;
mod parts;
mod reach;
mod rhythm;
mod season;
mod series;
mod slots;
mod source;
mod streams;
#[cfg(test)]
pub(crate) mod testing;
mod ticks;

pub use ahead::LoadForecast;
pub use asked::Demand;
pub use component::{ComponentFlow, ExecutorFlow};
pub use flow::Flow;
pub use forecast::{Forecast, Forecaster, Method};
pub use graph::{Carries, Graph, Node, Stream};
pub use outlook::{Outlook, Reach};
pub use reach::{asked, let_through};
pub use source::{Target, target_rate};
pub use ticks::leave_out_ticks;

/// The least whole number of executors that is not below `exact`; rounding errors do not add one.
pub fn whole_executors(exact: f64) -> u32 {
    (exact - 1e-9).ceil().clamp(1.0, f64::from(u32::MAX)) as u32
}
