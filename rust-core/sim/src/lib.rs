//! A seeded simulator of jobs on clusters, which drives the shipped decision core.
//!
//! **In**: a [`Scenario`], the settings of the core, a seed. **Out**: a [`RunResult`]; the same input
//! gives the same bytes. There is no I/O, clock, thread or hash order in it.
//!
//! A job is a graph of queues. Records are amounts, not things: a step of some hundred milliseconds
//! moves as many of them as executors, nodes and links allow, and cohorts of about the same age carry
//! latency with them. The engine's shell is simulated as well: it samples metrics as Storm or Flink
//! does, hands observations to [`thalweg_core::decide`], and carries plans out with the engine's
//! downtime, losses and replays. What is hidden from policies in a real cluster is hidden here.
#![forbid(unsafe_code)]

mod action;
mod brain;
pub mod calibrate;
mod environment;
pub mod hidden;
pub mod histogram;
pub mod invariants;
mod job;
mod layout;
pub mod observe;
pub mod random;
pub mod report;
mod run;
pub mod scenario;
pub mod truth;

pub use brain::{Brain, Core};
pub use report::{Measures, Point, RunResult};
pub use run::{NotTogether, Simulation, run};
pub use scenario::{Scenario, ScenarioError};
