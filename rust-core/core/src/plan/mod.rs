//! How many executors each component should have, and which tasks each of them runs.
//!
//! [`parameter`] is equation 7 and algorithm 2 of the Me-Stream paper. [`partition`] cuts a
//! component's fixed tasks into executors the way the engines do. Where they run is decided by
//! [`crate::place`].

pub mod parameter;
pub mod partition;
