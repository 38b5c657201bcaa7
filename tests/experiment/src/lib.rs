//! Storm's own scheduler against Thalweg: the same cluster, topology and load, measured alike.
//!
//! A [`Situation`] says what the cluster looks like and what happens to it; [`run`] goes through it with one
//! [`Side`] and answers what was [`Measured`]. A [`Witness`] sees what goes on meanwhile.

mod clock;
pub mod dashboard;
pub mod disruption;
pub mod flink;
pub mod hybrid;
pub mod measure;
pub mod options;
pub mod outage;
pub mod predict;
mod prediction;
pub mod record;
pub mod report;
mod run;
pub mod situation;
pub mod status;
pub mod summary;
mod witness;
pub mod workplace;

pub use measure::Measured;
pub use options::{Options, Store};
pub use run::run;
pub use situation::{Engine, Side, Situation};
pub use status::Status;
pub use witness::{Phase, Silent, Vitals, Witness};
pub use workplace::Workplace;
