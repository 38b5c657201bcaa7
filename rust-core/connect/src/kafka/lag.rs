//! Asks brokers how far a group has come.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError as Client;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use super::error::KafkaError;
use super::offsets::{Begin, Offsets};

/// What a reader sees of open transactions.
const ISOLATION: &str = "isolation.level";
/// The longest that brokers may take for one answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// The most offsets that are worth a look at whether they hold any record.
const FEW: u64 = 1_000;

/// Who reads, and what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The group's id.
    pub id: String,
    /// The topics that it reads.
    pub topics: Vec<String>,
    /// Where it begins without a commit.
    pub begin: Begin,
}

/// What waits before a group.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lag {
    /// Records by topic and partition: exact where few wait, else at most so many.
    pub partitions: BTreeMap<(String, i32), u64>,
}

impl Lag {
    /// Records in all partitions.
    pub fn records(&self) -> u64 {
        self.partitions.values().fold(0, |sum, records| sum.saturating_add(*records))
    }
}

/// Asks for the lag of one group, again and again.
pub struct LagReader {
    client: BaseConsumer,
    /// Reads single records of partitions that seem to stand still.
    peeking: BaseConsumer,
    group: Group,
    servers: String,
    /// What was seen last, and whether nothing was found to wait there.
    last: BTreeMap<(String, i32), (Offsets, Option<bool>)>,
}

impl LagReader {
    /// Makes the clients; the first question connects them.
    ///
    /// # Errors
    /// When the properties do not allow one.
    pub fn new(properties: &BTreeMap<String, String>, group: Group) -> Result<Self, KafkaError> {
        let mut config = ClientConfig::new();
        config.extend(properties.iter().map(|(key, value)| (key.clone(), value.clone())));
        // Nothing is ever committed, and no group is joined: partitions are assigned by hand. What fails is told by answers.
        config.set("group.id", &group.id).set("enable.auto.commit", "false");
        config.set("allow.auto.create.topics", "false").set("log_level", "0");
        // As the Java client does: records of open transactions wait too, and groups commit behind them.
        if !properties.contains_key(ISOLATION) {
            config.set(ISOLATION, "read_uncommitted");
        }
        let client = |config: &ClientConfig| config.create::<BaseConsumer>();
        let refused = |error: Client| KafkaError::Properties(error.to_string());
        let asking = client(&config).map_err(refused)?;
        config.set("enable.partition.eof", "true");
        let peeking = client(&config).map_err(refused)?;
        let servers = properties.get("bootstrap.servers").cloned().unwrap_or_default();
        Ok(Self { client: asking, peeking, group, servers, last: BTreeMap::new() })
    }

    /// What waits now. Partitions that were added or deleted meanwhile are counted, or not any more.
    ///
    /// # Errors
    /// When one partition cannot be counted: a part of what waits would look like less of it.
    pub fn read(&mut self) -> Result<Lag, KafkaError> {
        self.forget_events();
        let partitions = self.partitions()?;
        let committed = self.committed(&partitions)?;
        let mut seen = BTreeMap::new();
        let mut lag = Lag::default();
        for (partition, committed) in partitions.into_iter().zip(committed) {
            let offsets = self.offsets(&partition, committed)?;
            let empty = self.holds_nothing(&partition, offsets);
            let waiting = offsets.waiting(self.group.begin);
            lag.partitions.insert(partition.clone(), if empty == Some(true) { 0 } else { waiting });
            seen.insert(partition, (offsets, empty));
        }
        self.last = seen;
        Ok(lag)
    }

    /// Takes up what the clients have noted meanwhile, such as brokers that were lost: answers tell that as well.
    fn forget_events(&self) {
        for client in [&self.client, &self.peeking] {
            while client.poll(Duration::ZERO).is_some() {}
        }
    }

    fn partitions(&self) -> Result<Vec<(String, i32)>, KafkaError> {
        let mut found = Vec::new();
        for topic in &self.group.topics {
            let asked = self.client.fetch_metadata(Some(topic), PATIENCE);
            let told = asked.map_err(|error| KafkaError::Unreachable {
                servers: self.servers.clone(),
                why: error.to_string(),
            })?;
            let told =
                told.topics().iter().find(|one| one.name() == topic && one.error().is_none());
            let told = told.filter(|told| !told.partitions().is_empty());
            let told = told.ok_or_else(|| KafkaError::TopicMissing(topic.clone()))?;
            found.extend(told.partitions().iter().map(|one| (topic.clone(), one.id())));
        }
        Ok(found)
    }

    /// The committed offsets of partitions, in their order.
    fn committed(&self, partitions: &[(String, i32)]) -> Result<Vec<Option<u64>>, KafkaError> {
        let unreadable =
            |why: String| KafkaError::GroupUnreadable { group: self.group.id.clone(), why };
        let mut wanted = TopicPartitionList::new();
        for (topic, partition) in partitions {
            wanted.add_partition(topic, *partition);
        }
        let asked = self.client.committed_offsets(wanted, PATIENCE);
        let told = asked.map_err(|error| unreadable(error.to_string()))?;
        let one = |(topic, partition): &(String, i32)| {
            let found = told.find_partition(topic, *partition);
            let found =
                found.ok_or_else(|| unreadable(format!("no word of {topic}-{partition}")))?;
            found.error().map_err(|error| unreadable(error.to_string()))?;
            Ok(match found.offset() {
                Offset::Offset(offset) => u64::try_from(offset).ok(),
                _ => None,
            })
        };
        partitions.iter().map(one).collect()
    }

    fn offsets(
        &self,
        (topic, partition): &(String, i32),
        committed: Option<u64>,
    ) -> Result<Offsets, KafkaError> {
        let unreadable = |why: String| KafkaError::PartitionUnreadable {
            topic: topic.clone(),
            partition: *partition,
            why,
        };
        let asked = self.client.fetch_watermarks(topic, *partition, PATIENCE);
        let (first, end) = asked.map_err(|error| unreadable(error.to_string()))?;
        let offset =
            |told: i64| u64::try_from(told).map_err(|_| unreadable(format!("{told} is no offset")));
        Ok(Offsets { first: offset(first)?, end: offset(end)?, committed })
    }

    /// Whether the few offsets that seem to wait hold no record, where nothing has changed since the last look.
    fn holds_nothing(&self, partition: &(String, i32), now: Offsets) -> Option<bool> {
        let (last, known) = self.last.get(partition)?;
        if *last != now || !(1..=FEW).contains(&now.waiting(self.group.begin)) {
            return None;
        }
        // What could not be told is asked again.
        known.or_else(|| self.peek(partition, now))
    }

    /// Reads until a record comes, or the end.
    fn peek(&self, (topic, partition): &(String, i32), now: Offsets) -> Option<bool> {
        let from = Offset::Offset(i64::try_from(now.next(self.group.begin)).ok()?);
        let mut at = TopicPartitionList::new();
        at.add_partition_offset(topic, *partition, from).ok()?;
        self.peeking.assign(&at).ok()?;
        let end = Instant::now() + PATIENCE;
        let mut found = None;
        while found.is_none() && Instant::now() < end {
            found = match self.peeking.poll(end.saturating_duration_since(Instant::now())) {
                Some(Ok(_)) => Some(false),
                Some(Err(Client::PartitionEOF(_))) => Some(true),
                Some(Err(_)) | None => None,
            };
        }
        // The next assignment replaces this one; nothing is read on meanwhile.
        self.peeking.assign(&TopicPartitionList::new()).ok()?;
        found
    }
}
