//! What was decided, ordered and done, by whom and why: records that can be added to and not changed unnoticed.
//!
//! A ledger is a folder of segments, each a file with one JSON record a line. Every record carries the hash of the one
//! before it, and every few records a signature stands for all before. See the crate's README for what that protects
//! against, and what it does not.
#![forbid(unsafe_code)]

mod chain;
mod folder;
mod hex;
mod key;
mod ledger;
mod merge;
mod page;
mod record;
mod sink;
mod verify;
mod writer;

pub use chain::Place;
pub use folder::{FOLDER, HEADS};
pub use key::{KeyError, PublicKey};
pub use ledger::{Condition, Ledger, Pace};
pub use merge::{Merged, Step};
pub use page::{Ask, Page, page};
pub use record::{Entry, Record};
pub use sink::{Disk, Files, Sink};
pub use verify::{Anchor, Fault, Finding, Report, verify};
pub use writer::{Limits, Settings, WriteError, Writer};
