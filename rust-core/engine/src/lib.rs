//! The running loop: owns state, clock readings and the store around the pure core.
//!
//! One [`Engine`] lives in each scheduler. Three threads may call it: the monitor (`observe`), the
//! actuator (`command`), and the engine's scheduling thread (`assign`). The last one must never
//! wait, so what it needs lies behind a lock of its own that is held for moments only. No lock is held
//! while a store, a file or the JVM's log is written to.

mod actions;
mod arrangement;
mod commands;
mod control;
mod drains;
mod engine;
mod error;
mod files;
mod gauges;
mod leading;
mod listening;
mod locked;
mod noted;
mod observe;
mod operator;
mod orders;
mod present;
pub mod recording;
mod records;
mod said;
mod settings;
mod status;
pub mod stored;
mod tables;
mod under_way;

pub use commands::{Reported, Request};
pub use engine::{Decide, Engine};
pub use error::EngineError;
pub use observe::Observed;
pub use operator::Said;
pub use orders::{By, Fate, GivenOrder};
pub use settings::{EngineSettings, Key, Kind, Unheld, keys, nimbuses, sampled_coarsely, unheld};
pub use thalweg_control::visible;
pub use thalweg_core::assign::Assigned;
