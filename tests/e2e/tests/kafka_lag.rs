//! What waits in a real Kafka before a group, whatever its offsets look like.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use thalweg_connect::kafka::{Begin, Group, KafkaError, LagReader};
use thalweg_e2e::LIMIT;
use thalweg_lab::Kafka;
use thalweg_lab::process::Site;
use thalweg_lab::wait::{until, until_seen};

const TOPIC: &str = "lines";
const GROUP: &str = "words";
const PATIENCE: Duration = Duration::from_secs(10);

#[test]
fn what_waits_before_a_group_is_counted_and_what_cannot_be_is_missing() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut kafka = Kafka::start(&Site::loopback(folder.path())?)?;
    let mut reader = reader(&kafka, Begin::Earliest)?;
    ensure!(code(&mut reader) == Some("TOPIC_MISSING"));

    kafka.create_topic(TOPIC, 2)?;
    send(&kafka, 0, 30, None)?;
    send(&kafka, 1, 12, None)?;
    counts(&mut reader, &[30, 12])?;
    counts(&mut self::reader(&kafka, Begin::Latest)?, &[0, 0])?;
    commit(&kafka, 0, 25)?;
    counts(&mut reader, &[5, 12])?;
    kafka.set_partitions(TOPIC, 3)?;
    counts(&mut reader, &[5, 12, 0])?;

    // Behind a transaction lies a marker, which nobody reads and nobody commits.
    send(&kafka, 2, 10, Some("one"))?;
    commit(&kafka, 2, 10)?;
    counts(&mut reader, &[5, 12, 0])?;
    ensure!(reader.read()?.records() == 17, "it stays so");
    send(&kafka, 2, 1, None)?;
    counts(&mut reader, &[5, 12, 2])?;
    ensure!(reader.read()?.records() == 19, "a record waits behind the marker, and stays");

    kafka.delete_topic(TOPIC)?;
    until("the end of the topic", LIMIT, || {
        Ok((code(&mut reader) == Some("TOPIC_MISSING")).then_some(()))
    })?;
    kafka.kill();
    ensure!(code(&mut reader) == Some("UNREACHABLE"));
    Ok(())
}

fn config(kafka: &Kafka) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", kafka.bootstrap()).set("broker.address.family", "v4");
    config
}

fn reader(kafka: &Kafka, begin: Begin) -> Result<LagReader, KafkaError> {
    let config = config(kafka);
    let keys = config.config_map();
    let properties = keys.iter().map(|(k, v)| (String::from(*k), String::from(*v))).collect();
    let topics = vec![TOPIC.to_owned()];
    LagReader::new(&properties, Group { id: GROUP.to_owned(), topics, begin })
}

fn code(reader: &mut LagReader) -> Option<&'static str> {
    reader.read().err().map(|error| error.code())
}

/// Looks until so many records wait in each partition: what was written is seen a moment later.
fn counts(reader: &mut LagReader, expected: &[u64]) -> Result<()> {
    let look = || Ok(reader.read()?.partitions.into_values().collect::<Vec<u64>>());
    until_seen("what waits", LIMIT, look, |found| found == expected).map(drop)
}

/// Writes records into a partition, in one transaction where one is named.
fn send(kafka: &Kafka, partition: i32, records: u32, transaction: Option<&str>) -> Result<()> {
    let mut config = config(kafka);
    if let Some(name) = transaction {
        config.set("transactional.id", name);
    }
    let producer: BaseProducer = config.create()?;
    if transaction.is_some() {
        producer.init_transactions(PATIENCE)?;
        producer.begin_transaction()?;
    }
    for _ in 0..records {
        let record = BaseRecord::<(), str>::to(TOPIC).partition(partition).payload("a line");
        producer.send(record).map_err(|(error, _)| error)?;
    }
    producer.flush(PATIENCE)?;
    if transaction.is_some() {
        producer.commit_transaction(PATIENCE)?;
    }
    Ok(())
}

fn commit(kafka: &Kafka, partition: i32, offset: i64) -> Result<()> {
    let consumer: BaseConsumer = config(kafka).set("group.id", GROUP).create()?;
    let mut at = TopicPartitionList::new();
    at.add_partition_offset(TOPIC, partition, Offset::Offset(offset))?;
    consumer.commit(&at, CommitMode::Sync).context("the commit")
}
