//! Whether a topology is in trouble, how deep, and of which kind.
//!
//! [`threshold`] learns how latency runs over time and tells what is above its line (equations 4 to
//! 6 of the Me-Stream paper). [`level`] orders topologies and components by bottleneck time
//! (algorithm 1). [`trigger`] remembers since when each sign of trouble has held. [`cause`] tells lack
//! of executors from what more executors do not cure. None of them acts.

pub mod cause;
pub mod level;
pub mod threshold;
pub mod trigger;
