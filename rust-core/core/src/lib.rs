//! The decision core of Thalweg: what was measured goes in, an explained decision comes out.
//!
//! Everything here is a function of its arguments. There is no I/O, clock, thread, log, random
//! number, global or hash order, so the same input gives the same bytes on every machine.
#![forbid(unsafe_code)]

pub mod action;
mod adoption;
mod allowed;
pub mod arrange;
mod ask;
pub mod assess;
pub mod assign;
pub mod background;
mod budget;
pub mod capacity;
pub mod cluster;
mod context;
mod decide;
pub mod demand;
pub mod diagnose;
pub mod explain;
mod guard;
pub mod learning;
pub mod model;
mod namesakes;
pub mod node_capacity;
pub mod operator;
mod outcome;
pub mod pattern;
mod permission;
pub mod place;
pub mod plan;
pub mod policy;
pub mod reason;
mod recovery;
mod rollback;
pub mod settings;
pub mod signals;
pub mod state;
pub mod units;
pub mod windows;

pub use decide::{Decided, decide};
