//! What waits in a real Kafka before a group, whatever its offsets look like.

use std::time::{Duration, Instant};

use anyhow::{Context, Error, Result, ensure};
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use thalweg_connect::kafka::{Begin, Group, KafkaError, LagReader, Topics};
use thalweg_e2e::LIMIT;
use thalweg_lab::Kafka;
use thalweg_lab::process::Site;
use thalweg_lab::wait::{until, until_seen};

const TOPIC: &str = "lines";
const GROUP: &str = "words";
const PATIENCE: Duration = Duration::from_secs(10);
/// As many as a topic of a busy cluster has.
const MANY: u16 = 500;
/// What was told is to hold for three counts, which may be a second apart.
const QUICK: Duration = Duration::from_secs(3);

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
    kafka.create_topic("others", 1)?;
    let pattern = Topics::told("l[a-z]+s").map_err(Error::msg)?;
    counts(&mut self::of(&kafka, pattern, Begin::Earliest)?, &[5, 12, 0])?;

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

/// Of each partition all is read, and behind it lies the marker of a transaction.
#[test]
fn hundreds_of_idle_partitions_are_counted_in_time_and_come_to_zero() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let kafka = Kafka::start(&Site::loopback(folder.path())?)?;
    kafka.create_topic(TOPIC, MANY)?;
    let all: Vec<i32> = (0..i32::from(MANY)).collect();
    write(&kafka, &all, 1, Some("all"))?;
    commit_at(&kafka, &all.iter().map(|partition| (*partition, 1)).collect::<Vec<_>>())?;
    let mut reader = reader(&kafka, Begin::Earliest)?;
    until_seen("the markers", LIMIT, || Ok(reader.read()?.records()), |found| *found == 500)?;
    let mut slowest = Duration::ZERO;
    let look = || {
        let begun = Instant::now();
        let records = reader.read()?.records();
        slowest = slowest.max(begun.elapsed());
        Ok(records)
    };
    until_seen("nothing that waits", LIMIT, look, |found| *found == 0)?;
    eprintln!("the slowest count of {MANY} partitions took {slowest:?}");
    ensure!(slowest < QUICK, "{slowest:?}");
    Ok(())
}

/// It reads all at once, and says so each two seconds.
#[test]
fn what_is_read_between_two_commits_does_not_wait() -> Result<()> {
    const EACH: Duration = Duration::from_secs(2);
    const RATE: f64 = 200.0;
    let folder = tempfile::tempdir()?;
    let kafka = Kafka::start(&Site::loopback(folder.path())?)?;
    kafka.create_topic(TOPIC, 1)?;
    write(&kafka, &[0], 1, None)?;
    let mut reader = reader(&kafka, Begin::Earliest)?;
    counts(&mut reader, &[1])?;
    let (begun, mut written, mut commits) = (Instant::now(), 1, 0);
    let (mut most, mut behind) = (0, 0);
    until("some commits", LIMIT, || {
        let due = (begun.elapsed().as_secs_f64() * RATE) as u32;
        write(&kafka, &[0], due.saturating_sub(written), None)?;
        written = written.max(due);
        if begun.elapsed() > EACH * (commits + 1) {
            commit(&kafka, 0, i64::from(written))?;
            commits += 1;
        }
        let lag = reader.read()?;
        if commits >= 3 {
            (most, behind) = (most.max(lag.records()), behind.max(lag.at_most()));
        }
        Ok((commits > 5).then_some(()))
    })?;
    // A commit is found by the next look, so a part of a second's records may be taken for waiting.
    ensure!(behind > 200 && most < behind / 2, "{most} seem to wait, {behind} are not committed");
    Ok(())
}

fn config(kafka: &Kafka) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", kafka.bootstrap()).set("broker.address.family", "v4");
    config
}

fn reader(kafka: &Kafka, begin: Begin) -> Result<LagReader, KafkaError> {
    of(kafka, Topics::named([TOPIC]), begin)
}

fn of(kafka: &Kafka, topics: Topics, begin: Begin) -> Result<LagReader, KafkaError> {
    let config = config(kafka);
    let keys = config.config_map();
    let properties = keys.iter().map(|(k, v)| (String::from(*k), String::from(*v))).collect();
    LagReader::new(&properties, Group { id: GROUP.to_owned(), topics, begin })
}

fn code(reader: &mut LagReader) -> Option<&'static str> {
    reader.read().err().map(|error| error.code())
}

/// Looks until so many records wait in each partition: what was written is seen a moment later.
fn counts(reader: &mut LagReader, expected: &[u64]) -> Result<()> {
    let look = || {
        Ok(reader.read()?.partitions.into_values().map(|waits| waits.records).collect::<Vec<u64>>())
    };
    until_seen("what waits", LIMIT, look, |found| found == expected).map(drop)
}

fn send(kafka: &Kafka, partition: i32, records: u32, transaction: Option<&str>) -> Result<()> {
    write(kafka, &[partition], records, transaction)
}

/// Writes records into each of these partitions, in one transaction where one is named.
fn write(kafka: &Kafka, partitions: &[i32], records: u32, transaction: Option<&str>) -> Result<()> {
    let mut config = config(kafka);
    if let Some(name) = transaction {
        config.set("transactional.id", name);
    }
    let producer: BaseProducer = config.create()?;
    if transaction.is_some() {
        producer.init_transactions(PATIENCE)?;
        producer.begin_transaction()?;
    }
    for partition in partitions {
        for _ in 0..records {
            let record = BaseRecord::<(), str>::to(TOPIC).partition(*partition).payload("a line");
            producer.send(record).map_err(|(error, _)| error)?;
        }
    }
    producer.flush(PATIENCE)?;
    if transaction.is_some() {
        producer.commit_transaction(PATIENCE)?;
    }
    Ok(())
}

fn commit(kafka: &Kafka, partition: i32, offset: i64) -> Result<()> {
    commit_at(kafka, &[(partition, offset)])
}

fn commit_at(kafka: &Kafka, offsets: &[(i32, i64)]) -> Result<()> {
    let consumer: BaseConsumer = config(kafka).set("group.id", GROUP).create()?;
    let mut at = TopicPartitionList::new();
    for (partition, offset) in offsets {
        at.add_partition_offset(TOPIC, *partition, Offset::Offset(*offset))?;
    }
    consumer.commit(&at, CommitMode::Sync).context("the commit")
}
