//! What all topologies may have together, and slots that one topology may have.
//!
//! Topologies are asked in the order of their priorities and bottleneck levels, and each finds what those before it
//! left, as far as nothing is kept for one that waits ([`queue`]). One that wants more gets as much of it as there is; what
//! makes no more than there is is always allowed.

mod asking;
mod meter;
mod overrun;
mod proportion;
pub mod queue;
mod slots;

#[cfg(test)]
mod tests;

pub use asking::{Asking, Granted};
pub use overrun::within_budget;
pub use slots::within_slots;
