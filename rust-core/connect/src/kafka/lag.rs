//! Asks brokers how far a group has come.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::metadata::Metadata;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use super::error::KafkaError;
use super::offsets::{Begin, Offsets};
use super::pace::Pace;
use super::peek::Peek;
use super::topics::Topics;

/// What a reader sees of open transactions.
const ISOLATION: &str = "isolation.level";
/// The longest that brokers may take for one answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// The most offsets that are worth a look at whether they hold any record.
const FEW: u64 = 1_000;

/// Who reads, and what.
#[derive(Debug, Clone)]
pub struct Group {
    /// The group's id.
    pub id: String,
    /// The topics that it reads.
    pub topics: Topics,
    /// Where it begins without a commit.
    pub begin: Begin,
}

/// What waits before a group.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lag {
    /// By topic and partition.
    pub partitions: BTreeMap<(String, i32), Waits>,
}

/// What waits in one partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Waits {
    /// Records, less those that the group has probably read since it committed.
    pub records: u64,
    /// Records behind what it has committed: exact where few wait, else at most so many.
    pub at_most: u64,
}

impl Lag {
    /// Records in all partitions, less those that have probably been read since the last commits.
    pub fn records(&self) -> u64 {
        self.sum(|waits| waits.records)
    }

    /// Records in all partitions behind what is committed.
    pub fn at_most(&self) -> u64 {
        self.sum(|waits| waits.at_most)
    }

    fn sum(&self, of: impl Fn(&Waits) -> u64) -> u64 {
        self.partitions.values().map(of).fold(0, u64::saturating_add)
    }
}

type Partition = (String, i32);

/// What is known of a partition from earlier looks.
#[derive(Debug, Clone, Copy, Default)]
struct Known {
    /// What was seen at the last count, and whether nothing was found to wait there.
    last: Option<(Offsets, Option<bool>)>,
    pace: Pace,
}

/// Asks for the lag of one group, again and again.
pub struct LagReader {
    client: BaseConsumer,
    peek: Peek,
    group: Group,
    servers: String,
    known: BTreeMap<Partition, Known>,
    began: Instant,
    /// When commits were looked at last.
    looked: Duration,
}

impl LagReader {
    /// Makes the client; the first question connects it.
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
        let client = config.create();
        let client: BaseConsumer = client.map_err(KafkaError::of_properties)?;
        let servers = properties.get("bootstrap.servers").cloned().unwrap_or_default();
        Ok(Self {
            client,
            peek: Peek::new(config),
            group,
            servers,
            known: BTreeMap::new(),
            began: Instant::now(),
            looked: Duration::ZERO,
        })
    }

    /// What waits now. Partitions that were added or deleted meanwhile are counted, or not any more.
    ///
    /// # Errors
    /// When one partition cannot be counted: a part of what waits would look like less of it.
    pub fn read(&mut self) -> Result<Lag, KafkaError> {
        self.forget_events();
        let partitions = self.partitions()?;
        let committed = self.committed(&partitions)?;
        let now = self.began.elapsed();
        let first = self.ends(&partitions, Offset::Beginning)?;
        let end = self.ends(&partitions, Offset::End)?;
        let mut seen = BTreeMap::new();
        for (at, partition) in partitions.into_iter().enumerate() {
            let offsets = Offsets { first: first[at], end: end[at], committed: committed[at] };
            let known = self.known.get(&partition).copied().unwrap_or_default();
            seen.insert(partition, (offsets, known));
        }
        // Until this has succeeded, all that is known of earlier looks stays.
        let empty = self.empty(&seen)?;
        self.known.clear();
        let mut lag = Lag::default();
        for (partition, (offsets, mut known)) in seen {
            known.pace.note(offsets.committed, self.looked, now);
            let empty = empty.get(&partition).copied().flatten();
            lag.partitions.insert(partition.clone(), self.waits(offsets, empty, &known.pace, now));
            known.last = Some((offsets, empty));
            self.known.insert(partition, known);
        }
        self.looked = now;
        Ok(lag)
    }

    /// Looks at commits alone, between two counts: the sooner one is found, the better it is known what has been read since.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn note_commits(&mut self) -> Result<(), KafkaError> {
        self.forget_events();
        let partitions: Vec<Partition> = self.known.keys().cloned().collect();
        if partitions.is_empty() {
            return Ok(());
        }
        let committed = self.committed(&partitions)?;
        let now = self.began.elapsed();
        for (known, committed) in self.known.values_mut().zip(committed) {
            known.pace.note(committed, self.looked, now);
        }
        self.looked = now;
        Ok(())
    }

    fn waits(&self, offsets: Offsets, empty: Option<bool>, pace: &Pace, now: Duration) -> Waits {
        if empty == Some(true) {
            return Waits::default();
        }
        let at_most = offsets.waiting(self.group.begin);
        // Where it does not go on from its commit, its pace says nothing.
        let goes_on = offsets.committed == Some(offsets.next(self.group.begin));
        let read = if goes_on { pace.read_since(now) } else { 0 };
        Waits { records: at_most.saturating_sub(read), at_most }
    }

    /// Takes up what the clients have noted meanwhile, such as brokers that were lost: answers tell that as well.
    fn forget_events(&self) {
        while self.client.poll(Duration::ZERO).is_some() {}
        self.peek.forget_events();
    }

    fn partitions(&self) -> Result<Vec<Partition>, KafkaError> {
        match &self.group.topics {
            Topics::Named(topics) => {
                let mut found = Vec::new();
                for topic in topics {
                    found.extend(partitions_of(topic, &self.metadata(Some(topic))?)?);
                }
                Ok(found)
            }
            Topics::Matching(pattern) => {
                let told = self.metadata(None)?;
                let names = told.topics().iter().map(|topic| topic.name());
                let names: BTreeSet<&str> = names.filter(|name| pattern.is_match(name)).collect();
                if names.is_empty() {
                    return Err(KafkaError::TopicMissing(pattern.to_string()));
                }
                let all = names.into_iter().map(|name| partitions_of(name, &told));
                Ok(all.collect::<Result<Vec<_>, _>>()?.concat())
            }
        }
    }

    fn metadata(&self, topic: Option<&str>) -> Result<Metadata, KafkaError> {
        self.client.fetch_metadata(topic, PATIENCE).map_err(|error| KafkaError::Unreachable {
            servers: self.servers.clone(),
            why: error.to_string(),
        })
    }

    /// The committed offsets of partitions, in their order.
    fn committed(&self, partitions: &[Partition]) -> Result<Vec<Option<u64>>, KafkaError> {
        let unreadable =
            |why: String| KafkaError::GroupUnreadable { group: self.group.id.clone(), why };
        let mut wanted = TopicPartitionList::with_capacity(partitions.len());
        for (topic, partition) in partitions {
            wanted.add_partition(topic, *partition);
        }
        let asked = self.client.committed_offsets(wanted, PATIENCE);
        let told = asked.map_err(|error| unreadable(error.to_string()))?;
        let told = by_partition(&told);
        let one = |wanted: &Partition| match told.get(wanted) {
            Some(Ok(Offset::Offset(offset))) => Ok(u64::try_from(*offset).ok()),
            Some(Ok(_)) => Ok(None),
            Some(Err(why)) => Err(unreadable(why.clone())),
            None => Err(unreadable(format!("no word of {}-{}", wanted.0, wanted.1))),
        };
        partitions.iter().map(one).collect()
    }

    /// The first or the last offsets of partitions, in their order. One question to each broker, however many they are:
    /// as times, the two stand for these.
    fn ends(&self, partitions: &[Partition], end: Offset) -> Result<Vec<u64>, KafkaError> {
        let unreadable = |(topic, partition): &Partition, why: String| {
            KafkaError::PartitionUnreadable { topic: topic.clone(), partition: *partition, why }
        };
        let Some(any) = partitions.first() else { return Ok(Vec::new()) };
        let failed = |error: rdkafka::error::KafkaError| unreadable(any, error.to_string());
        let mut wanted = TopicPartitionList::with_capacity(partitions.len());
        for (topic, partition) in partitions {
            wanted.add_partition_offset(topic, *partition, end).map_err(failed)?;
        }
        let told = self.client.offsets_for_times(wanted, PATIENCE).map_err(failed)?;
        let told = by_partition(&told);
        let one = |wanted: &Partition| match told.get(wanted) {
            Some(Ok(Offset::Offset(offset))) => Ok(u64::try_from(*offset).unwrap_or_default()),
            Some(Ok(other)) => Err(unreadable(wanted, format!("{other:?} is no offset"))),
            Some(Err(why)) => Err(unreadable(wanted, why.clone())),
            None => Err(unreadable(wanted, "no word of it".to_owned())),
        };
        partitions.iter().map(one).collect()
    }

    /// Whether the few offsets that seem to wait hold no record, where nothing has changed since the last look.
    fn empty(
        &mut self,
        seen: &BTreeMap<Partition, (Offsets, Known)>,
    ) -> Result<BTreeMap<Partition, Option<bool>>, KafkaError> {
        let mut all = BTreeMap::new();
        let mut asked: BTreeMap<&str, BTreeMap<i32, i64>> = BTreeMap::new();
        for (partition, (now, known)) in seen {
            let Some((last, told)) = known.last else { continue };
            if last != *now || !(1..=FEW).contains(&now.waiting(self.group.begin)) {
                continue;
            }
            all.insert(partition.clone(), told);
            // What could not be told is asked again.
            if let (None, Ok(from)) = (told, i64::try_from(now.next(self.group.begin))) {
                asked.entry(&partition.0).or_default().insert(partition.1, from);
            }
        }
        for (topic, from) in asked {
            for (partition, nothing) in self.peek.hold_nothing(topic, &from, PATIENCE)? {
                all.insert((topic.to_owned(), partition), Some(nothing));
            }
        }
        Ok(all)
    }
}

/// The partitions of a topic, as brokers tell of them.
fn partitions_of(topic: &str, told: &Metadata) -> Result<Vec<Partition>, KafkaError> {
    let told = told.topics().iter().find(|one| one.name() == topic && one.error().is_none());
    let told = told.filter(|told| !told.partitions().is_empty());
    let told = told.ok_or_else(|| KafkaError::TopicMissing(topic.to_owned()))?;
    Ok(told.partitions().iter().map(|one| (topic.to_owned(), one.id())).collect())
}

/// What brokers tell of each partition: its offset, or why not. A look-up in the client's own list goes through all of it,
/// which with hundreds of partitions is felt.
fn by_partition(list: &TopicPartitionList) -> BTreeMap<Partition, Result<Offset, String>> {
    let told = list.elements().into_iter().map(|one| {
        let offset = one.error().map(|()| one.offset()).map_err(|error| error.to_string());
        ((one.topic().to_owned(), one.partition()), offset)
    });
    told.collect()
}
