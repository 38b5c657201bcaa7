//! What speaks to the outside, for the command `thalweg`: never part of what runs in an engine's own process.
#![forbid(unsafe_code)]

#[cfg(feature = "kafka")]
pub mod kafka;
