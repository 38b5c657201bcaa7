//! Compares policies on the same scenarios, loads and seeds in the simulator.
//!
//! Settings are tuned on one half of scenarios and seeds and reported on the other half only.
#![forbid(unsafe_code)]

pub mod contestant;
pub mod experiment;
pub mod foresight;
pub mod learned;
pub mod matrix;
pub mod measure;
pub mod missing;
pub mod origin;
pub mod page;
pub mod plot;
pub mod stats;
pub mod table;
