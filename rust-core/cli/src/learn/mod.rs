//! `thalweg train` and `thalweg models`: makes models from tables, shows them beside simple rules, says which is asked.

mod models;
mod train;
mod words;

pub use models::Models;
pub use train::Train;
