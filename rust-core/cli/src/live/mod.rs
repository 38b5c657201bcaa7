//! Commands that ask a running scheduler, or give it orders.

pub mod apply;
pub mod ask;
mod chain;
pub mod doctor;
pub mod explain;
pub mod history;
pub mod lag;
pub mod moments;
pub mod orders;
pub mod plan;
mod record;
pub mod remote;
pub mod show;
pub mod status;
pub mod watch;
pub mod words;
