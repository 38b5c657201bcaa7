//! An operator's orders on a Flink cluster, whose outcome is the same on each of its lines.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use thalweg_lab::flink::{FlinkBuilder, FlinkLine};
use thalweg_lab::load::Rate;

use crate::FlinkProduct;
use crate::flink::ORDERS_ONLY;
use crate::routes::traces;

const LINES: f64 = 100.0;
/// Each TaskManager has 128 MiB of managed memory for four slots.
pub const SLOT_MIB: u64 = 32;

/// Carries out orders on a cluster of a line: out, elsewhere, both at once, and in.
///
/// # Errors
/// Names what was not done as ordered.
pub fn orders_are_carried_out(
    line: FlinkLine,
    build: fn(FlinkBuilder) -> FlinkBuilder,
) -> Result<()> {
    let settings: Vec<_> = ORDERS_ONLY.map(|(key, value)| (key, json!(value))).into();
    let mut product = FlinkProduct::start(line, &settings, build)?;
    let job = product.submit(&product.word_count("words").set("splitCost", 0.5))?;
    product.load(Rate::Constant(LINES))?;
    product.table_is_the_truth(&job.id)?;
    product.recorded("a checkpoint, the state of subtasks, and garbage collection", |job| {
        let checkpoint = &job["checkpoint"];
        let measured = |executor: &Value| {
            let counters = &executor["counters"];
            counters["state_bytes"].as_u64() > Some(0) && counters["gc_ms"].as_f64() > Some(0.0)
        };
        checkpoint["duration"].as_f64() > Some(0.0)
            && checkpoint["bytes"].as_u64() > Some(0)
            && job["executors"].as_array().into_iter().flatten().any(measured)
    })?;

    // Out, over both nodes.
    let nodes = ordered(&product, &job.id, &[("split", 4)], &[])?;
    ensure!(nodes["split"].len() == 4 && spread(&nodes["split"]) == 2, "{nodes:?}");
    product.slots_have(&[SLOT_MIB; 4])?;
    // Elsewhere, with the same parallelism.
    let nodes = ordered(&product, &job.id, &[], &["127.0.0.12"])?;
    ensure!(nodes.values().flatten().all(|node| node == "n1"), "{nodes:?}");
    // Both at once.
    let nodes = ordered(&product, &job.id, &[("split", 2), ("count", 2)], &["127.0.0.11"])?;
    ensure!(nodes["count"].len() == 2, "{nodes:?}");
    ensure!(nodes.values().flatten().all(|node| node == "n2"), "{nodes:?}");
    product.slots_have(&[SLOT_MIB; 2])?;
    // In.
    let nodes = ordered(&product, &job.id, &[("split", 1), ("count", 1)], &[])?;
    ensure!(nodes.values().all(|all| all.len() == 1), "{nodes:?}");
    product.slots_have(&[SLOT_MIB])?;

    product.counts_exactly_once("words")?;
    product.flink.rest().cancel(&job.id)?;
    let mut tables = product.tables()?;
    product.wait("the end of all traces", || {
        let traces = traces(&mut tables, &job.id)?;
        ensure!(traces.is_empty(), "{traces:?}");
        Ok(Some(()))
    })?;
    product.stop()
}

/// Orders, and returns where subtasks run once that is what the table says.
fn ordered(
    product: &FlinkProduct,
    job: &str,
    counts: &[(&str, u32)],
    leave: &[&str],
) -> Result<BTreeMap<String, Vec<String>>> {
    let last = product.last_plan()?;
    product.order("words", counts, leave)?;
    let plan = product.plan_after(last.as_deref())?;
    ensure!(plan.how == "own_trigger", "{plan:?}");
    product.table_is_the_truth(job)?;
    product.truth(job)
}

fn spread(nodes: &[String]) -> usize {
    nodes.iter().collect::<std::collections::BTreeSet<_>>().len()
}
