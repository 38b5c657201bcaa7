//! The doctor finds each fault that a cluster was seeded with, and nothing else.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use thalweg_control::socket::NAME;
use thalweg_control::{Command, Request, call};
use thalweg_e2e::doctor::{finding, finds};
use thalweg_e2e::{FlinkProduct, LIMIT, Product};
use thalweg_lab::StormJob;
use thalweg_lab::flink::FlinkLine;

/// Its relays get tuples from sources in their own worker where there are any, and it has two tasks of them.
const LOCAL: &str = "unacked";
/// Its executors declare 32 or 48 MiB of heap each.
const HEAVY: &str = "declared";
/// Less than two of them declare.
const HEAP_MIB: u32 = 60;

#[test]
fn each_fault_of_a_storm_cluster_is_found() -> Result<()> {
    let product = Product::with_slots(
        2,
        &[
            ("thalweg.mode", json!("observe")),
            ("topology.stats.sample.rate", json!(0.05)),
            ("thalweg.metrics.settle.secs", json!("soon")),
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
        (LOCAL, "NO_TASKS_LEFT"),
        (LOCAL, "SHUFFLE_STAYS_LOCAL"),
        (LOCAL, "ANOTHER_SCALES"),
        (HEAVY, "NO_TASKS_LEFT"),
        (HEAVY, "HEAP_DOES_NOT_FOLLOW"),
    ];
    let expected = faults.into_iter().map(|(about, code)| finding(about, code)).collect();
    // Only for as long as something would be done.
    let may_be = ["STOP_NEEDED", "METRICS_MISSING", "ADOPTION_NEEDED"];
    product.wait("what the doctor is to find", || {
        finds(&product.folder(), &expected, &may_be).map(Some)
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
    let settings = [("thalweg.mode", json!("observe")), ("thalweg.policy", json!("thalweg"))];
    let product = FlinkProduct::start(FlinkLine::V2_3, &settings, |builder| {
        builder.slots(2).set("execution.checkpointing.interval", json!(null))
    })?;
    // Four key groups for three subtasks, four subtasks for four, and three readers of two partitions.
    let job = product.word_count("ill").set("maxParallelism", 4).set("sources", 3);
    let job = job.set("split", 3).set("count", 4).set("chained", false);
    product.submit(&job)?;
    let faults = [
        ("", "STORE_OPEN"),
        ("", "STORE_FORGETS"),
        ("", "NO_FREE_SLOTS"),
        ("ill", "KEY_GROUPS_UNEVEN"),
        ("ill", "NO_TASKS_LEFT"),
        ("ill", "PARTITIONS_FEW"),
        ("ill", "CHECKPOINTS_MISSING"),
    ];
    let expected = faults.into_iter().map(|(about, code)| finding(about, code)).collect();
    product
        .wait("what the doctor is to find", || finds(&product.store(), &expected, &[]).map(Some))?;
    product.stop()
}
