#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod budget;
mod ceiling;
mod classes;
mod draft;
mod exact;
mod fill;
mod finish;
mod improve;
mod level;
mod migration;
mod problem;
mod refine;
mod solve;
mod units;

pub use budget::Budget;
pub use migration::{Basis, Cost, Migration, Move, Refused, Stage};
pub use problem::{
    Component, Edge, Freedom, Lack, Node, Placed, Placement, Problem, Role, Score, Shortage,
    SlotId, Topology,
};
pub use solve::place;
pub use units::{Load, Mebibytes, MilliPoints, Traffic};
