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

/// Its relays get tuples from sources in their own worker where there are any, and tasks of two.
const LOCAL: &str = "unacked";
/// Heap in MiB that each executor declares, and that a worker has.
const HEAP: (u32, u32) = (200, 256);

#[test]
fn each_fault_of_a_storm_cluster_is_found() -> Result<()> {
    let product = Product::with_slots(
        1,
        &[
            ("thalweg.mode", json!("observe")),
            ("topology.stats.sample.rate", json!(0.05)),
            ("thalweg.metrics.settle.secs", json!("soon")),
        ],
    )?;
    let job = StormJob::zoo(&[LOCAL])
        .set("topology.workers", 2)
        .set("topology.component.resources.onheap.memory.mb", HEAP.0)
        .set("topology.worker.max.heap.size.mb", HEAP.1);
    product.storm.hand_in(&job)?;
    // Four times is three changes, by whom nobody knows.
    for relays in [1, 2, 1, 2] {
        let desired = BTreeMap::from([("relay".to_owned(), relays)]);
        product.storm.control().rebalance(LOCAL, 0, &desired, None)?;
        product.wait(&format!("{relays} relays in the status"), || {
            Ok((executors(&product, "relay")? == u64::from(relays)).then_some(()))
        })?;
    }
    let of_topology =
        ["NO_TASKS_LEFT", "SHUFFLE_STAYS_LOCAL", "HEAP_DOES_NOT_FOLLOW", "ANOTHER_SCALES"];
    let of_cluster = ["CONFIGURATION_WRONG", "STATISTICS_COARSE", "NO_FREE_SLOTS"];
    let about = |about: &'static str| move |code: &&str| finding(about, code);
    let expected =
        of_topology.iter().map(about(LOCAL)).chain(of_cluster.iter().map(about(""))).collect();
    product.wait("what the doctor is to find", || {
        finds(&product.folder(), &expected, &["STOP_NEEDED", "METRICS_MISSING"]).map(Some)
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
    let of_job = ["KEY_GROUPS_UNEVEN", "NO_TASKS_LEFT", "PARTITIONS_FEW", "CHECKPOINTS_MISSING"];
    let of_cluster = ["STORE_OPEN", "STORE_FORGETS", "NO_FREE_SLOTS"];
    let about = |about: &'static str| move |code: &&str| finding(about, code);
    let expected =
        of_job.iter().map(about("ill")).chain(of_cluster.iter().map(about(""))).collect();
    product
        .wait("what the doctor is to find", || finds(&product.store(), &expected, &[]).map(Some))?;
    product.stop()
}
