//! Kafka, Flink and WordCount from start to end.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use thalweg_lab::counts::{Output, Spouts, Totals, windows};
use thalweg_lab::load::{Generator, Load, Rate};
use thalweg_lab::process::{marked, tails};
use thalweg_lab::wait::until_seen;
use thalweg_lab::{FlinkBuilder, FlinkJob, Kafka};

const WORDS_PER_LINE: u64 = 7;
const LIMIT: Duration = Duration::from_secs(90);

#[test]
fn words_are_counted_exactly_once_and_nothing_is_left_running() {
    let folder = tempfile::tempdir().unwrap();
    let mut flink = FlinkBuilder::new(folder.path())
        .nodes(2)
        .slots(2)
        .set("execution.checkpointing.interval", "1s")
        .start()
        .unwrap();
    let kafka = Kafka::start(flink.hub()).unwrap();
    kafka.create_topic("lines", 2).unwrap();
    let out = flink.dir().join("out");
    let job = FlinkJob::word_count("words")
        .kafka(kafka.bootstrap(), "lines")
        .set("split", 3)
        .set("splitCost", 0.2)
        .set("count", 2)
        .out(&out);
    let info = flink.submit(&job, LIMIT).unwrap();
    assert_eq!(info.vertex("split").unwrap().parallelism, 3);
    let split = &info.vertex("split").unwrap().id;
    let on: BTreeSet<String> =
        flink.rest().subtasks(&info.id, split).unwrap().into_iter().map(|s| s.node).collect();
    assert_eq!(on, BTreeSet::from(["n1".to_owned(), "n2".to_owned()]));

    let started = now_ms();
    let load = Load::new(kafka.bootstrap(), "lines", Rate::Constant(200.0))
        .lasting(Duration::from_secs(6));
    let load = Generator::start(&load).unwrap();
    // A lost node's part is done again, and yet counted once.
    flink.kill_node(2).unwrap();
    flink.start_node(2).unwrap();
    let sent = load.join().unwrap().records;
    let words = sent * WORDS_PER_LINE;
    let counted = || Ok(Totals::read(&out)?.sum());
    until_seen(&format!("{words} words"), LIMIT, counted, |counted| {
        assert!(*counted <= words, "{counted} words of {sent} lines");
        *counted == words
    })
    .unwrap_or_else(|error| panic!("{error:#}\n{}", tails(&flink.logs())));

    // The other journals are written apart from the totals, and the lost node took along what it did since its last one.
    let most = sent * WORDS_PER_LINE * 95 / 100;
    let journals = || {
        let window = started..now_ms() + 1;
        Ok((Output::read(&out)?.total(&window), Spouts::read(&out)?.within(&window).acked))
    };
    until_seen(&format!("{most} words counted and timed"), LIMIT, journals, |(counted, timed)| {
        *counted >= most && *timed >= most
    })
    .unwrap();

    let lab = flink.dir().to_owned();
    flink.stop();
    let left = marked(&lab);
    assert!(left.iter().all(|process| process.pid == kafka.pid()), "{left:?}");
}

#[test]
fn taxi_demand_is_what_a_batch_of_the_month_comes_to() {
    let folder = tempfile::tempdir().unwrap();
    let mut flink = FlinkBuilder::new(folder.path())
        .nodes(2)
        .slots(2)
        .set("execution.checkpointing.interval", "1s")
        .set("state.backend.type", "rocksdb")
        .start()
        .unwrap();
    let out = flink.dir().join("out");
    // The month in about ten seconds.
    let job =
        FlinkJob::taxi("taxi").set("speedup", 300_000).set("split", 2).set("count", 3).out(&out);
    let info = flink.submit(&job, LIMIT).unwrap();
    // A lost node's part is done again, and changes nothing.
    until_seen("the first windows", LIMIT, || windows(&out), |windows| !windows.is_empty())
        .unwrap();
    flink.kill_node(2).unwrap();
    flink.start_node(2).unwrap();
    let state = || Ok(flink.rest().job(&info.id)?.state);
    until_seen("the end of the month", LIMIT, state, |state| state == "FINISHED")
        .unwrap_or_else(|error| panic!("{error:#}\n{}", tails(&flink.logs())));

    let batch = job.program(&flink, "io.thalweg.topologies.taxi.Month", &[]).unwrap();
    let mut batch: Answers = batch
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(window, demand)| (window.to_owned(), BTreeSet::from([demand.to_owned()])))
        .collect();
    // A task that ends has its journal written by another thread.
    let mut streamed = Answers::new();
    let windows = || {
        streamed = answers(&out)?;
        Ok(streamed.len())
    };
    until_seen(&format!("{} windows", batch.len()), LIMIT, windows, |n| *n >= batch.len()).unwrap();
    assert!(streamed == batch, "{} windows of {}", streamed.len(), batch.len());

    // The same trips from Kafka, where they never end: the windows that no later trip closes stay open.
    let kafka = Kafka::start(flink.hub()).unwrap();
    kafka.create_topic("trips", 2).unwrap();
    let out = flink.dir().join("out-kafka");
    let job =
        FlinkJob::taxi("taxi-kafka").kafka(kafka.bootstrap(), "trips").set("count", 3).out(&out);
    flink.submit(&job, LIMIT).unwrap();
    let load = Load::trips(kafka.bootstrap(), "trips", 300_000.0, 1).unwrap();
    let sent = Generator::start(&load).unwrap().join().unwrap().records;
    assert_eq!(sent, 73_908);
    batch.retain(|window, _| closes(window));
    let mut streamed = Answers::new();
    let windows = || {
        streamed = answers(&out)?;
        streamed.retain(|window, _| closes(window));
        Ok(streamed.len())
    };
    until_seen(&format!("{} windows", batch.len()), LIMIT, windows, |n| *n >= batch.len())
        .unwrap_or_else(|error| panic!("{error:#}\n{}", tails(&flink.logs())));
    assert!(streamed == batch, "{} windows of {}", streamed.len(), batch.len());
    flink.stop();
}

/// Whether `<what>@<start>`, a window of an hour, is over half an hour before the month's last trips.
fn closes(window: &str) -> bool {
    const LAST: u64 = 1_612_137_600 - 1_800;
    let (_, start) = window.split_once('@').unwrap();
    start.parse::<u64>().unwrap() + 3_600 <= LAST
}

type Answers = BTreeMap<String, BTreeSet<String>>;

/// What each window came to, with every answer that was given.
fn answers(out: &Path) -> anyhow::Result<Answers> {
    let mut answers = Answers::new();
    for (window, came_to) in windows(out)? {
        answers.entry(window).or_default().insert(came_to);
    }
    Ok(answers)
}

fn now_ms() -> u64 {
    u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap()
}
