//! How servers are spoken to, as the command line says it.

mod flink;
mod http;
mod storm;

pub use flink::{Reached, ToFlink};
pub use http::{Speaking, SpeakingToPrometheus};
pub use storm::ToStorm;
