//! What the user and operators allow to be done to a topology now: modes, pauses, freezes and allowed hours.
//!
//! **Input**: the settings, what operators have said, a topology with its own settings, and the time. **Output**: how far
//! Thalweg may go, and for each guard why a plan may pass or not. It judges no load and no gain.
//!
//! Of modes the strongest word counts: what an operator said while it runs, then the cluster's rules, the topology's own
//! settings, and last the mode of all. Whatever is wrong with settings is never taken for "no freeze": then the mode is
//! `observe`, of all topologies or of the one whose settings they are.

mod calendar;
mod charter;

pub use calendar::{Lift, lifts, ruled, takes};
pub use charter::{Charter, Kinds, Permitted, kinds, parted};
