//! Configurations and schedule of workflows, chosen together from what past runs took and cost.
#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod bound;
mod file;
mod objective;
mod plan;
mod problem;
mod render;
mod room;
mod schedule;
mod search;
mod units;
mod workflow;

pub use bound::lower_bound;
pub use file::{Fault, WorkflowError, read};
pub use objective::Objective;
pub use plan::{Beside, Other, Plan, PlannedTask, Then, Told, WhyNot, plan};
pub use problem::{Mode, Problem, ProblemError, Task};
pub use render::{Orchestrator, RenderError, render};
pub use schedule::{Schedule, as_orchestrators_do};
pub use search::{Budget, Outcome, Quality, Scale, Solution, solve};
pub use units::{Alpha, Amount, Money, Time};
pub use workflow::{Configuration, CostFrom, Measured, NamedTask, Resource, Unused, Workflow};
