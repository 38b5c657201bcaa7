//! A Storm cluster from beside, through Storm's own client.

mod beside;
mod client;
mod cluster;
mod error;
mod lines;
mod program;
mod protocol;
mod standing;

pub use beside::Beside;
pub use client::Client;
pub use cluster::{Cluster, defaults};
pub use error::StormError;
pub use protocol::{hello as read_hello, look as read_look};
pub use standing::{Placed, Rebalance, Running, Standing};
