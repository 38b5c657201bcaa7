//! Looks whether offsets hold any record: a marker of a transaction or a record that was compacted away is none.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError as Client;
use rdkafka::message::Message;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use super::error::KafkaError;

/// What the client that reads single records is set to: little at a time, and no wait where there is nothing.
const LITTLE: [(&str, &str); 5] = [
    ("enable.partition.eof", "true"),
    ("fetch.message.max.bytes", "1024"),
    ("fetch.wait.max.ms", "10"),
    ("queued.max.messages.kbytes", "1024"),
    ("queued.min.messages", "1"),
];

/// Reads single records; its client is made once one is wanted.
pub struct Peek {
    config: ClientConfig,
    client: Option<BaseConsumer>,
}

impl Peek {
    /// With a client of these properties.
    pub fn new(mut config: ClientConfig) -> Self {
        for (key, value) in LITTLE {
            config.set(key, value);
        }
        Self { config, client: None }
    }

    /// Takes up what the client has noted meanwhile.
    pub fn forget_events(&self) {
        let Some(client) = &self.client else { return };
        while client.poll(Duration::ZERO).is_some() {}
    }

    /// Of partitions of one topic, by the offset to begin at: whether nothing comes before the end. Those of which that
    /// cannot be told in time are not in the answer.
    pub fn hold_nothing(
        &mut self,
        topic: &str,
        from: &BTreeMap<i32, i64>,
        patience: Duration,
    ) -> Result<BTreeMap<i32, bool>, KafkaError> {
        let refused = KafkaError::of_properties;
        if self.client.is_none() {
            self.client = Some(self.config.create().map_err(refused)?);
        }
        let Some(client) = &self.client else { return Ok(BTreeMap::new()) };
        let mut at = TopicPartitionList::new();
        for (partition, offset) in from {
            at.add_partition_offset(topic, *partition, Offset::Offset(*offset)).map_err(refused)?;
        }
        client.assign(&at).map_err(refused)?;
        let end = Instant::now() + patience;
        let mut found = BTreeMap::new();
        while found.len() < from.len() && Instant::now() < end {
            let (partition, nothing) =
                match client.poll(end.saturating_duration_since(Instant::now())) {
                    Some(Ok(record)) => (record.partition(), false),
                    Some(Err(Client::PartitionEOF(partition))) => (partition, true),
                    Some(Err(_)) | None => continue,
                };
            // Whatever else comes of a partition whose answer is known says nothing new.
            if let Entry::Vacant(first) = found.entry(partition) {
                first.insert(nothing);
                let mut known = TopicPartitionList::new();
                known.add_partition(topic, partition);
                // Where that fails it is read on, which does no harm.
                let _ = client.incremental_unassign(&known);
            }
        }
        client.unassign().map_err(refused)?;
        Ok(found)
    }
}
