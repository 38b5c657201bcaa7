//! Trains models from tables, judges them beside the simple rules that they would replace, and keeps them in a folder.
//!
//! What a trained model says is worked out by `thalweg_core::learning`; nothing here is linked into the native library.
//! [`Table`] is what is learned from, [`Trainer`] what learns ([`Boosted`]), [`recovery`] and [`load`] are what is learned,
//! and [`Registry`] is where models are kept.
#![forbid(unsafe_code)]

mod boosted;
pub mod calibrate;
mod error;
pub mod figures;
pub mod load;
mod model;
pub mod recovery;
mod registry;
mod table;
mod trainer;

pub use boosted::Boosted;
pub use error::LearnError;
pub use model::{Body, Model, ModelFile};
pub use registry::{Entry, Listed, Registry, Standing};
pub use table::{Row, Table};
pub use trainer::{Loss, Settings, Trainer};
