//! Flink alone, with its own autoscaler, and with Thalweg at both levels: the same cluster, job and load.

pub(crate) mod demand;
pub(crate) mod measured;
pub(crate) mod prediction;
mod report;
mod run;
mod show;
pub(crate) mod side;
mod unequal;

pub use demand::Demand;
pub use measured::{Rescale, Stepped};
pub use report::StepReport;
pub(crate) use run::jar;
pub use run::run_demand;
pub use show::show;
pub use side::FlinkSide;
pub use unequal::{Placed, Unequal, run_unequal};
