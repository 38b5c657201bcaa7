//! What waits in Kafka before a consumer group, counted from outside: without joining the group, and without a change to
//! anything.
//!
//! A partition's lag is what lies between the group's committed offset and the end. Two things make that more than there is
//! to read: offsets that hold no record for a reader (markers of transactions, records that were compacted away), and groups
//! that have not committed. [`offsets`] says what counts, [`lag`] asks the brokers.

mod error;
mod lag;
mod offsets;
mod properties;

pub use error::KafkaError;
pub use lag::{Group, Lag, LagReader};
pub use offsets::{Begin, Offsets};
pub use properties::{PropertiesError, read as read_properties};
