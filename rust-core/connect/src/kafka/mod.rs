//! What waits in Kafka before a consumer group, counted from outside: without joining the group, and without a change to
//! anything.
//!
//! A partition's lag is what lies between the group's committed offset and the end. Three things make that more than there is
//! to read: offsets that hold no record for a reader (markers of transactions, records that were compacted away), groups
//! that have not committed, and what a group has read since it committed. [`offsets`] says what counts, [`pace`] what has
//! probably been read, [`lag`] asks the brokers, and [`peek`] whether offsets hold records.

mod error;
mod jaas;
mod lag;
mod offsets;
mod pace;
mod peek;
mod properties;
mod topics;

pub use error::KafkaError;
pub use lag::{Group, Lag, LagReader, Waits};
pub use offsets::{Begin, Offsets};
pub use properties::{Properties, PropertiesError, read as read_properties, tell_secrets};
pub use topics::Topics;
