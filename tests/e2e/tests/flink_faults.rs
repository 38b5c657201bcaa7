//! What dies comes back, and every word is still counted once.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use thalweg_e2e::FlinkProduct;
use thalweg_e2e::flink::ORDERS_ONLY;
use thalweg_e2e::routes::table;
use thalweg_lab::flink::FlinkLine;
use thalweg_lab::load::Rate;

const LINES: f64 = 100.0;
const RESCALES: usize = 20;

#[test]
fn faults_lose_nothing_and_count_nothing_twice() -> Result<()> {
    let settings: Vec<_> = ORDERS_ONLY.map(|(key, value)| (key, json!(value))).into();
    let mut product =
        FlinkProduct::start(FlinkLine::V2_3, &settings, |builder| builder.highly_available())?;
    let job = product.submit(&product.word_count("words").set("split", 2).set("count", 2))?.id;
    let other = product.submit(&product.word_count("other"))?.id;
    product.load(Rate::Constant(LINES))?;

    a_killed_task_manager_ends_a_migration(&mut product, &job)?;
    redis_may_go(&mut product, &job)?;
    a_new_job_manager_carries_on(&mut product, &job)?;
    many_rescales(&product, &job)?;

    product.counts_exactly_once("words")?;
    // The other job was left in peace all the while.
    ensure!(product.flink.rest().job(&other)?.runs(), "the other job does not run");
    product.stop()
}

/// The plan to use a node that dies is given up or done without it, and the job runs on what is left.
fn a_killed_task_manager_ends_a_migration(product: &mut FlinkProduct, job: &str) -> Result<()> {
    ordered(product, 3)?;
    let last = product.last_plan()?;
    product.order("words", &[("split", 4)], &[])?;
    let plan = product.wait("a plan", || Ok(product.status()?.plan))?.plan;
    product.flink.kill_node(2)?;
    product.wait("the end of the plan", || Ok((product.last_plan()? != last).then_some(())))?;
    product.wait("all subtasks on the node that is left", || {
        let nodes: BTreeSet<String> = product.truth(job)?.into_values().flatten().collect();
        Ok((nodes == BTreeSet::from(["n1".to_owned()])).then_some(()))
    })?;
    // What was desired there is dropped, and told; all fits on the other node too.
    if plan.places_on("n2") {
        product.wait("dropped rows", || {
            Ok(product.status()?.counters.get("row_dropped").copied().filter(|rows| *rows > 0))
        })?;
    }
    product.flink.start_node(2)?;
    product.table_is_the_truth(job).map(drop)
}

/// While Redis is away nothing is begun of which another JobManager could not learn, and what runs is left as it is.
fn redis_may_go(product: &mut FlinkProduct, job: &str) -> Result<()> {
    let parallelism = |product: &FlinkProduct| -> Result<u32> {
        Ok(product.flink.rest().job(job)?.vertex("split")?.parallelism)
    };
    let (last, before) = (product.last_plan()?, parallelism(product)?);
    product.redis().kill();
    product.order("words", &[("split", 3)], &[])?;
    let ended = product.wait("the end of the plan", || {
        let ended = product.status()?.ended.into_iter().next();
        Ok(ended.filter(|ended| Some(&ended.plan.id) != last.as_ref()))
    })?;
    ensure!(ended.code.as_deref() == Some("STORE"), "{ended:?}");
    ensure!(ended.how.contains("a successor could not learn"), "{ended:?}");
    ensure!(parallelism(product)? == before, "a plan that was given up changed something");
    product.redis().restart()?;
    product.wait("Redis in reach", || Ok(product.status()?.store.up.then_some(())))?;
    ordered(product, 3)?;
    let table = product.table_is_the_truth(job)?;
    ensure!(table.places.values().filter(|row| row.0 == "split").count() == 3, "{table:?}");
    Ok(())
}

/// Parallelism and places outlive the JobManager; what it had begun to change is given up.
fn a_new_job_manager_carries_on(product: &mut FlinkProduct, job: &str) -> Result<()> {
    // Where Flink itself would not run it: it fills one TaskManager after the other.
    let all_on_n2 = |product: &FlinkProduct| -> Result<bool> {
        Ok(product.truth(job)?.values().flatten().all(|node| node == "n2"))
    };
    // An order that changes nothing is refused.
    if !all_on_n2(product)? {
        let last = product.last_plan()?;
        product.order("words", &[], &["127.0.0.11"])?;
        product.plan_after(last.as_deref())?;
    }
    product.table_is_the_truth(job)?;
    let places = product.truth(job)?;
    ensure!(all_on_n2(product)?, "{places:?}");
    let epoch = table(&mut product.tables()?, job)?.context("no table")?.epoch;
    product.restart_job_manager()?;
    product.wait("the job under a new JobManager", || {
        let info = product.flink.rest().job(job)?;
        Ok((info.runs() && info.vertex("split")?.parallelism == 3).then_some(()))
    })?;
    ensure!(product.truth(job)? == places, "{:?}\n{}", product.truth(job)?, product.evidence());
    let table = product.table_is_the_truth(job)?;
    ensure!(table.epoch >= epoch, "epoch {} after {epoch}", table.epoch);
    product.wait("a status without a plan of the predecessor", || {
        let plan = product.status()?.plan;
        ensure!(plan.is_none(), "{plan:?}");
        Ok(Some(()))
    })
}

fn many_rescales(product: &FlinkProduct, job: &str) -> Result<()> {
    for round in 0..RESCALES {
        ordered(product, [1, 4, 2, 3][round % 4])?;
    }
    product.table_is_the_truth(job).map(drop)
}

fn ordered(product: &FlinkProduct, split: u32) -> Result<()> {
    let last = product.last_plan()?;
    product.order("words", &[("split", split)], &[])?;
    let plan = product.plan_after(last.as_deref())?;
    ensure!(plan.how == "own_trigger", "{plan:?}");
    Ok(())
}
