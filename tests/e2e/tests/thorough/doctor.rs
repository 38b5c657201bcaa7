//! The doctor finds each fault that a cluster was seeded with, and nothing else.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use thalweg_control::socket::NAME;
use thalweg_control::{Command, Request, call};
use thalweg_e2e::doctor::{all, finds};
use thalweg_e2e::{FlinkProduct, LIMIT, Product};
use thalweg_lab::StormJob;
use thalweg_lab::flink::{FlinkJob, FlinkLine};

/// Its relays get tuples from sources in their own worker where there are any, and it has two tasks of them.
const LOCAL: &str = "unacked";
/// Its executors declare 32 or 48 MiB of heap each.
const HEAVY: &str = "declared";
/// Less than two of them declare.
const HEAP_MIB: u32 = 60;
/// Its source brings as many tuples as it can.
const HASTY: &str = "hasty";
const ACKERS_CORES: f64 = 0.1;
/// By how much the second node's clock is wrong.
const AHEAD_SECS: i32 = 300;
/// More than half of it is too long for a checkpoint.
const STEP_SECS: u32 = 10;
/// So that what waits before a subtask of the splitting step takes it longer than that.
const SPLIT_WAIT_MS: f64 = 2.0;
const LINES: u32 = 2_000;

#[test]
fn each_fault_of_a_storm_cluster_is_found() -> Result<()> {
    let product = Product::with_slots(
        2,
        &[
            ("thalweg.mode", json!("observe")),
            ("thalweg.policy", json!("thalweg")),
            ("topology.stats.sample.rate", json!(0.05)),
            ("thalweg.metrics.settle.secs", json!("soon")),
            // As a user's configuration has it who had another scheduler, and a second Nimbus.
            ("isolation.scheduler.machines", json!({ "somebody's": 1 })),
            ("nimbus.seeds", json!(["127.0.0.1", "127.0.0.2"])),
        ],
    )?;
    let job = StormJob::zoo(&[LOCAL, HEAVY])
        .set("topology.workers", 2)
        .set("topology.worker.max.heap.size.mb", HEAP_MIB);
    product.storm.hand_in(&job)?;
    // Four times is three changes, by whom nobody knows.
    for relays in [1, 2, 1, 2] {
        let desired = BTreeMap::from([("relay".to_owned(), relays)]);
        product.storm.control().rebalance(LOCAL, 0, &desired, None)?;
        product.wait(&format!("{relays} relays in the status"), || {
            Ok((executors(&product, "relay")? == u64::from(relays)).then_some(()))
        })?;
    }
    let faults = [
        ("", "CONFIGURATION_WRONG"),
        ("", "STATISTICS_COARSE"),
        ("", "NO_FREE_SLOTS"),
        ("", "SCHEDULER_REPLACED"),
        ("", "STORE_NOT_SHARED"),
        (LOCAL, "SOURCES_WITHOUT_LAG"),
        (LOCAL, "NO_TASKS_LEFT"),
        (LOCAL, "SHUFFLE_STAYS_LOCAL"),
        (LOCAL, "ANOTHER_SCALES"),
        (HEAVY, "SOURCES_WITHOUT_LAG"),
        (HEAVY, "NO_TASKS_LEFT"),
        (HEAVY, "HEAP_DOES_NOT_FOLLOW"),
    ];
    product.wait("what the doctor is to find", || {
        finds(&product.folder(), &all(&faults), &PASSING).map(Some)
    })?;
    product.stop()
}

/// Said only for as long as something would be done.
const PASSING: [&str; 3] = ["STOP_NEEDED", "METRICS_MISSING", "ADOPTION_NEEDED"];

/// Where it takes in so many tuples, an acker whose node has a tenth of a core is what they wait for, although Storm
/// counts but a small part of its time.
#[test]
fn ackers_in_the_way_are_found() -> Result<()> {
    let settings = [("thalweg.mode", json!("observe")), ("topology.stats.sample.rate", json!(1.0))];
    let product = Product::with_nodes(3, &settings)?;
    product.storm.hand_in(&StormJob::zoo(&[HASTY]))?;
    let running = product.wait_assigned(HASTY, 3)?;
    let node =
        running.executors.iter().find(|one| one.component == "__acker").context("no acker")?;
    let mut nodes = product.storm.nodes().iter();
    let n = nodes.position(|one| one.site.host == node.host).context("its node")?;
    product.storm.require_cpu(n + 1, ACKERS_CORES)?;
    let expected =
        all(&[("", "NO_FREE_SLOTS"), (HASTY, "ACKERS_DO_NOT_FOLLOW"), (HASTY, "NO_TASKS_LEFT")]);
    product.wait("what the doctor is to find", || {
        finds(&product.folder(), &expected, &PASSING).map(Some)
    })?;
    product.stop()
}

#[test]
fn a_wrong_clock_is_found() -> Result<()> {
    let product = Product::with_wrong_clock(AHEAD_SECS, &[("thalweg.mode", json!("observe"))])?;
    let wrong = product.storm.nodes()[1].site.host.clone();
    let expected = all(&[(&*wrong, "CLOCKS_APART")]);
    product.wait("what the doctor is to find", || {
        finds(&product.folder(), &expected, &PASSING).map(Some)
    })?;
    product.stop()
}

/// How many executors of a component the engine saw last.
fn executors(product: &Product, component: &str) -> Result<u64> {
    let ask = Command::Explain { topology: LOCAL.to_owned(), executor: None };
    let told = call(&product.folder().join(NAME), &Request::of(ask), LIMIT)?;
    let components = told.pointer("/decision/view/components").and_then(Value::as_array);
    let found = components.into_iter().flatten().find(|one| one["id"] == component);
    found.and_then(|one| one["executors"].as_u64()).with_context(|| format!("{component}: {told}"))
}

#[test]
fn each_fault_of_a_flink_cluster_is_found() -> Result<()> {
    let settings = [
        ("thalweg.mode", json!("observe")),
        ("thalweg.policy", json!("thalweg")),
        ("thalweg.action.step.timeout.secs", json!(STEP_SECS)),
    ];
    let product = FlinkProduct::start(FlinkLine::V2_3, &settings, |builder| {
        builder.slots(3).set("execution.checkpointing.interval", json!(null))
    })?;
    // Four key groups for three subtasks, four subtasks for four, and three readers of two partitions.
    let job = product.word_count("ill").set("maxParallelism", 4).set("sources", 3);
    let job = job.set("split", 3).set("count", 4).set("chained", false);
    product.submit(&job)?;
    // Its own source sends all it may, and each checkpoint waits behind what the splitting step has not yet done.
    let slow = FlinkJob::word_count("slow").set("rate", LINES).set("splitWait", SPLIT_WAIT_MS);
    let slow = slow.set("count", 2).set("chained", false);
    product.submit(&slow.set("execution.checkpointing.interval", "2s"))?;
    let faults = [
        ("", "STORE_OPEN"),
        ("", "STORE_FORGETS"),
        ("", "NO_FREE_SLOTS"),
        ("ill", "KEY_GROUPS_UNEVEN"),
        ("ill", "NO_TASKS_LEFT"),
        ("ill", "PARTITIONS_FEW"),
        ("ill", "CHECKPOINTS_MISSING"),
        ("slow", "CHECKPOINTS_SLOW"),
        ("slow", "SOURCES_WITHOUT_LAG"),
    ];
    product.wait("what the doctor is to find", || {
        finds(&product.store(), &all(&faults), &[]).map(Some)
    })?;
    product.stop()
}
