//! From an assessed topology to a placement problem, and from its solution to a plan.

mod plan;
mod translate;

pub use plan::{Wanted, held_back, plan, refusal, written};
pub use translate::{
    ClusterView, DesiredExecutor, MICROS, PlacementContext, asked_workers, edges, is_declared,
    memory_of, most_per_rack, present, problem, role, scaled, worst_load,
};
