//! From counters as Flink tells them to counters that the core can difference.

mod between;
mod busy;
mod clock;
mod finished;
mod observer;
mod ports;
mod seconds;

pub use observer::Observer;
