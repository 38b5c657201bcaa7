//! From an assessed topology to a placement problem, and from its solution to a plan.

mod memory;
mod plan;
mod translate;

pub use memory::{MemoryUse, memory_of};
pub use plan::{Wanted, held_back, plan, refusal, written};
pub use translate::{
    ClusterView, DesiredExecutor, MICROS, PlacementContext, asked_workers, edges, is_declared,
    most_per_rack, present, problem, role, scaled, worst_load,
};
