//! What is simulated: a job, the nodes it runs on, the load it gets, and what goes wrong.
//!
//! A scenario holds everything but the seed and the policy's settings. What policies must find out
//! themselves (work of a record, how it scales, skew, the speed of nodes) stands here as well, and
//! never reaches them but through measurements.

mod check;
mod engines;
mod faults;
mod gains;
mod load;
mod read;
mod spec;
pub mod template;

pub use engines::{Flink, Method, Metrics, Storm};
pub use faults::{Fault, FaultKind, MetricLoss};
pub use gains::{Copies, copies, gains};
pub use load::{Load, LoadShape};
pub use read::{ScenarioError, Span, read, read_series};
pub use spec::{ComponentSpec, EdgeSpec, EngineKind, NodeGroup, Scenario, ScriptStep, StateSpec};
