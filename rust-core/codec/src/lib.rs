//! How a snapshot crosses from the JVM: a fixed layout that is written and read without a parser.
//!
//! All numbers little-endian, all sections 8-byte aligned and in this order without gaps:
//!
//! ```text
//! header   magic, version, length, section count, instant, then offset and count of each section
//! nodes | slots | topologies | components | edges | executors | apart | string ends | string bytes
//! ```
//!
//! Records name strings and other records by their index. Components, edges and executors are
//! dealt out to the topologies in order, by the counts in each topology's record. There is exactly
//! one encoding of an [`Observation`](thalweg_core::model::Observation): slots ascend by node and
//! port, strings appear once, in the order of their first use. `docs/reference/ffi.md` has the
//! tables; [`layout`] has the numbers.
//!
//! Nothing is trusted: [`decode`] checks every length, offset, index and number, and names the
//! place of what is wrong.
#![forbid(unsafe_code)]

mod decode;
mod encode;
mod error;
pub mod layout;

pub use decode::decode;
pub use encode::encode;
pub use error::{CodecError, Problem};
