//! How servers are spoken to, as the command line says it.

mod flink;
mod http;
mod spark;
mod storm;

pub use flink::{Reached, ToFlink};
pub use http::{Speaking, SpeakingToPrometheus};
pub use spark::ToSpark;
pub use storm::ToStorm;
