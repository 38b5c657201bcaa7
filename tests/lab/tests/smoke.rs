//! Kafka, Storm and WordCount from start to end, as every other whole-product test uses them.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use thalweg_lab::counts::{Output, Spouts, windows};
use thalweg_lab::load::{Generator, Load, Rate};
use thalweg_lab::process::{marked, tails};
use thalweg_lab::wait::{until, until_seen};
use thalweg_lab::{CpuLimit, Kafka, StormBuilder, StormCluster, StormJob, skipped};

const WORDS_PER_LINE: u64 = 7;
const LIMIT: Duration = Duration::from_secs(60);

#[test]
fn words_are_counted_and_nothing_is_left_running() {
    let folder = tempfile::tempdir().unwrap();
    let storm = StormBuilder::new(folder.path()).nodes(2).start().unwrap();
    let kafka = Kafka::start(storm.hub()).unwrap();
    kafka.create_topic("lines", 2).unwrap();
    let out = storm.dir().join("out");
    submit(&storm, &kafka, &out);

    let started = now_ms();
    let load = Load::new(kafka.bootstrap(), "lines", Rate::Constant(200.0))
        .lasting(Duration::from_secs(10));
    let sent = Generator::start(&load).unwrap().join().unwrap().records;
    assert!((1_900..=2_000).contains(&sent), "{sent} records");

    until("commits of all records", Duration::from_secs(30), || {
        let progress = kafka.progress("lines", "words")?;
        assert_eq!(progress.written, sent);
        Ok((progress.lag() == 0).then_some(()))
    })
    .unwrap_or_else(|error| panic!("{error:#}\n{}", tails(&storm.logs())));

    // Each task writes its journal at its own pace, so the last lines come after the commits.
    let journals = || {
        let window = started..now_ms() + 1;
        Ok((Output::read(&out)?.total(&window), Spouts::read(&out)?.within(&window)))
    };
    let (output, spouts) = until_seen(
        &format!("journals of {sent} lines acknowledged and their words"),
        LIMIT,
        journals,
        |(output, spouts)| spouts.acked == sent && *output >= sent * WORDS_PER_LINE,
    )
    .unwrap();
    assert!(output <= (sent + spouts.failed) * WORDS_PER_LINE, "{output} words, {spouts:?}");

    faults_reach_the_node_they_are_meant_for(&storm);

    let lab = storm.dir().to_owned();
    storm.stop().unwrap();
    let left = marked(&lab);
    assert!(left.iter().all(|process| process.pid == kafka.pid()), "{left:?}");
    drop(kafka);
    assert_eq!(marked(&lab), []);
}

#[test]
fn no_taxi_trip_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let storm = StormBuilder::new(folder.path()).nodes(2).start().unwrap();
    let kafka = Kafka::start(storm.hub()).unwrap();
    kafka.create_topic("trips", 2).unwrap();
    let outs = ["out", "out-kafka"].map(|out| storm.dir().join(out));
    // The month in about ten seconds, once from the topology's own source and once from Kafka.
    let job = StormJob::taxi("taxi")
        .set("speedup", 300_000)
        .set("workers", 2)
        .set("clean", 2)
        .set("demand", 2)
        .set("routes", 2)
        .out(&outs[0]);
    storm.submit(&job, LIMIT).unwrap();
    let read = StormJob::taxi("taxi-kafka")
        .set("bootstrap", kafka.bootstrap())
        .set("workers", 1)
        .out(&outs[1]);
    storm.submit(&read, LIMIT).unwrap();
    let load = Load::trips(kafka.bootstrap(), "trips", 300_000.0, 1).unwrap();
    let _load = Generator::start(&load).unwrap();
    let batch: BTreeMap<String, String> = job
        .program(&storm, "io.thalweg.topologies.taxi.Month")
        .unwrap()
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(window, came_to)| (window.to_owned(), came_to.to_owned()))
        .collect();
    assert!(batch.len() > 10_000, "{} windows", batch.len());
    for out in outs {
        let mut missing = None;
        until("every trip in every window", Duration::from_secs(150), || {
            let counted: BTreeMap<String, String> = windows(&out)?.into_iter().collect();
            let lacks = |(window, came_to): &(&String, &String)| {
                counted.get(*window).map_or(0, |found| trips(found)) < trips(came_to)
            };
            missing = batch.iter().find(lacks).map(|(window, _)| window.clone());
            Ok(missing.is_none().then_some(()))
        })
        .unwrap_or_else(|error| {
            panic!("{error:#}: {missing:?} of {}\n{}", out.display(), tails(&storm.logs()))
        });
    }
    storm.stop().unwrap();
}

/// Trips of a zone's window, or of a window's busiest route.
fn trips(came_to: &str) -> u64 {
    let first = came_to.split('|').next().unwrap_or_default();
    let trips =
        first.split_once('>').map_or(first, |(_, route)| route.split(':').nth(1).unwrap_or("0"));
    trips.split(':').next().and_then(|trips| trips.parse().ok()).unwrap_or(0)
}

fn submit(storm: &StormCluster, kafka: &Kafka, out: &Path) {
    let topology = StormJob::word_count("words", kafka.bootstrap(), "lines")
        .set("workers", 2)
        .set("split", 2)
        .set("splitTasks", 4)
        .set("splitCost", 0.5)
        .set("count", 2)
        .out(out);
    let info = storm.submit(&topology, Duration::from_secs(60)).unwrap();
    let hosts: std::collections::BTreeSet<_> =
        info.executors.iter().map(|executor| &executor.host).collect();
    assert_eq!(hosts.len(), 2, "one worker on each node");
    assert_eq!(info.of("split").count(), 2);
    assert_eq!(info.of("split").map(|e| e.last_task - e.first_task + 1).sum::<u32>(), 4);
}

fn faults_reach_the_node_they_are_meant_for(storm: &StormCluster) {
    let on = |node: &str| {
        marked(storm.dir())
            .into_iter()
            .filter(|p| p.node == node)
            .map(|p| p.pid)
            .collect::<Vec<_>>()
    };
    // A supervisor, a worker and its log writer; beside them the supervisor runs commands that end at once.
    for node in ["n1", "n2"] {
        until_seen("three processes", LIMIT, || Ok(on(node)), |all| all.len() == 3).unwrap();
    }
    // A process of many threads needs a moment to stop.
    let states = |node: &str| Ok(on(node).into_iter().map(is_stopped).collect::<Vec<_>>());
    storm.pause_node(1).unwrap();
    until_seen("a paused node", LIMIT, || states("n1"), |all| all.iter().all(|stopped| *stopped))
        .unwrap();
    assert!(!states("n2").unwrap().contains(&true));
    storm.resume_node(1).unwrap();
    until_seen("a node that goes on", LIMIT, || states("n1"), |all| !all.contains(&true)).unwrap();
    match storm.limit_cpu(1, Some(0.2)).unwrap() {
        CpuLimit::Applied => assert_eq!(storm.limit_cpu(1, None).unwrap(), CpuLimit::Applied),
        CpuLimit::NotAvailable(why) => skipped("shares of the processor", &why),
    }
    assert!(storm.limit_network(1, Some(400)).is_err(), "loopback has no links");
    assert!(storm.pause_node(3).is_err());
}

/// Whether a process is stopped; one that has ended is not.
fn is_stopped(pid: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    status.lines().any(|line| line.starts_with("State:") && line.contains("stopped"))
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(since.as_millis()).unwrap()
}
