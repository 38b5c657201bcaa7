//! Flink's REST interface, of every line from 1.18 on.

mod ask;
mod cluster;
mod defaults;
mod json;
mod measure;
mod read;
mod reader;
mod requirements;
mod rescale;
mod rest;
mod view;

pub use ask::{Ask, Tell};
pub use cluster::Cluster;
pub use defaults::defaults;
pub use reader::Reader;
pub use requirements::{Requirements, SharedRequirements};
pub use rescale::{Rescale, Standing, Unable, standing};
pub use rest::{Rest, read_answer};
pub use view::Range;
