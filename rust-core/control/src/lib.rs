//! How people and tools speak to a running engine: requests and answers with their version, and the way between both
//! sides.
//!
//! It decides nothing, and knows no engine. See the crate's README for what is guaranteed.
#![forbid(unsafe_code)]

mod clock;
pub mod envelope;
pub mod line;
pub mod socket;
mod stamp;
pub mod token;
mod visible;
pub mod wire;

pub use clock::now_millis;
pub use socket::{CallError, Listener, Peer, call};
pub use stamp::Stamp;
pub use visible::{all_visible, visible};
pub use wire::{
    Answer, Apply, Backlog, Command, ErrorCode, LONGEST_BACKLOG_SECS, Peak, Refusal, Request,
    Scale, VERSION, Waiting,
};
