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
mod migration;
mod problem;
mod refine;
mod solve;
mod units;

pub use budget::Budget;
pub use migration::{Cost, Migration, Move, Stage};
pub use problem::{
    Component, Edge, Lack, Node, Placed, Placement, Problem, Role, Score, Shortage, SlotId,
    Topology,
};
pub use solve::place;
pub use units::{Load, Mebibytes, MilliPoints, Traffic};
