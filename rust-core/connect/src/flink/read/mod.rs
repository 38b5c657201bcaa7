//! From answers to what they say: functions of their JSON, and what asks for them.

mod caches;
mod collectors;
mod names;
mod nodes;
mod outline;
mod recovery;
mod sources;
mod states;
mod tasks;

pub use caches::Caches;
pub use collectors::Collectors;
pub use nodes::nodes;
pub use outline::{Outline, left_alone, outlines};
pub use recovery::obstacle;
pub use sources::Sources;
pub use states::{Checkpoints, States};
pub use tasks::{Seen, tasks};
