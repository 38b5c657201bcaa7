//! From the text of a workflow file to a [`Workflow`], or to what is wrong, where, and what was expected.

mod error;
mod fields;
mod read;
mod yaml;

pub use error::{Fault, WorkflowError};
pub use read::read;
