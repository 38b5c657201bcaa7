//! What a cluster under Thalweg survives: a Nimbus killed in the middle of a plan, tables full of nonsense, a lost node.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::json;
use thalweg_core::model::TaskRange;
use thalweg_core::units::Timestamp;
use thalweg_e2e::product::{Product, WORDS_PER_LINE};
use thalweg_e2e::routes::{connect, table, truth};
use thalweg_e2e::workers::pids_of;
use thalweg_lab::control::TopologyInfo;
use thalweg_store::{Change, RedisStore, RoutingTable, Row, Store, StoreKind, StoreSettings};

/// More than one executor can do, whatever else the processors do, as it waits for each line.
const LINES: f64 = 125.0;
const SPLIT_WAIT_MS: f64 = 10.0;
/// What must flow after a fault, on a machine that is busy with starting processes.
const FLOWS: f64 = 0.6 * LINES * WORDS_PER_LINE;
/// A rebalance whose traces are not seen by then was forgotten.
const FORGOTTEN: Duration = Duration::from_secs(15);
/// Where starting processes keeps the machine busy a step may be late: its plan is taken back, and made anew after the
/// cool-down.
const SECOND_ATTEMPT: Duration = Duration::from_secs(300);
/// A good deal less than the deadlines of two steps.
const FORGOTTEN_PLAN: Duration = Duration::from_secs(60);

#[test]
fn faults_leave_nothing_unassigned() -> Result<()> {
    let mut product = Product::with_redis(&[("thalweg.headroom.components", json!(["split"]))])?;
    let words = product.word_count("words").set("workers", 2).set("splitWait", SPLIT_WAIT_MS);
    product.run(&words, LINES)?;
    nimbus_dies_in_the_middle_of_a_plan(&mut product)?;
    nonsense_in_a_table_is_dropped_with_reasons(&mut product)?;
    a_lost_node_costs_the_others_nothing(&mut product)?;
    a_plan_ends_with_its_topology(&mut product)?;
    product.stop()
}

fn nimbus_dies_in_the_middle_of_a_plan(product: &mut Product) -> Result<()> {
    let plan = product.wait("a published plan", || {
        let under_way = product.status()?.plan;
        Ok(under_way.filter(|plan| plan.state != "decided"))
    })?;
    product.restart_nimbus(&[])?;
    let ended = product.wait("the fate of the plan left behind", || {
        let ended = product.status()?.ended;
        Ok(ended.into_iter().find(|ended| ended.plan.id == plan.plan.id))
    })?;
    let given_up = ended.code.as_deref() == Some("LEADER_CHANGED") && !ended.how.is_empty();
    ensure!(given_up || ended.code.is_none(), "{ended:?}\n{}", product.evidence());
    // Given up, it is made anew, as the bottleneck is still there; resumed, it has helped.
    at_rest(product)?;
    product.wait_output("words", FLOWS)
}

/// Waits until a plan of the topology was carried out, none is under way, and as many executors run as the last one
/// wanted: on a busy machine another may follow the first.
fn at_rest(product: &Product) -> Result<TopologyInfo> {
    product.wait_within(SECOND_ATTEMPT, "all that the last plan wanted", || {
        let info = product.storm.control().info("words")?;
        let status = product.status()?;
        ensure!(status.plan.is_none(), "under way: {:?}", status.plan);
        let done = status.ended.iter().filter(|ended| ended.code.is_none());
        let desired = done.filter_map(|done| done.plan.counts.get("split")).next();
        let desired = desired.context("no plan was carried out")?;
        let split = info.of("split").count();
        ensure!(split == *desired, "{split} of {desired} executors");
        Ok((info.status == "ACTIVE" && info.all_report()).then_some(info))
    })
}

fn nonsense_in_a_table_is_dropped_with_reasons(product: &mut Product) -> Result<()> {
    let info = at_rest(product)?;
    product.storm.kill_nimbus();
    publish_nonsense(product, &info)?;
    // The next observation would replace the table before anything reads it.
    product.restart_nimbus(&[("thalweg.monitor.interval.secs", json!(600))])?;
    let status = product.wait("the new status", || {
        Ok(Some(product.status()?)
            .filter(|status| status.counters.contains_key("store_rows_dropped")))
    })?;
    ensure!(status.counters["store_rows_dropped"] >= 1, "{status:?}");

    let mut rebalanced: Option<Instant> = None;
    product.wait("word of each row dropped", || {
        let log = product.nimbus_log()?;
        let warned = |words: [&str; 2]| {
            log.lines()
                .any(|line| line.contains("WARN") && words.iter().all(|word| line.contains(word)))
        };
        let all = [
            ["[900-901]", "UnknownExecutor"],
            ["no-such-node", "DeadNode"],
            ["not JSON", "dropped"],
            ["ghost-1-1", "layout is 9"],
        ];
        let Some(missing) = all.into_iter().find(|words| !warned(*words)) else {
            return Ok(Some(()));
        };
        // A new leader forgets a rebalance until it has heard of every worker.
        if rebalanced.is_none_or(|at| at.elapsed() > FORGOTTEN) {
            product.storm.control().rebalance("words", 0, &Default::default(), None)?;
            rebalanced = Some(Instant::now());
        }
        bail!("no warning with {missing:?}")
    })?;
    product.wait_assigned("words", info.executors.len())?;
    product.wait_output("words", FLOWS)
}

/// Writes, as a mistaken other scheduler might, a newer table with a dead node, an unknown executor and a garbled row,
/// and a table of another version.
fn publish_nonsense(product: &Product, info: &TopologyInfo) -> Result<()> {
    let mut redis = connect(&product.redis_url()?)?;
    let known = table(&mut redis, &info.id)?.context("no table")?;
    let row = |tasks: TaskRange, component: &str, node: &str, port: u32| Row {
        executor: tasks,
        component: component.to_owned(),
        node: Change::new(None, node.to_owned()),
        port: Change::new(None, port),
    };
    let mut executors = info.executors.clone();
    executors.sort_by_key(|executor| executor.first_task);
    let mut rows: Vec<Row> = executors
        .iter()
        .map(|e| row(TaskRange::new(e.first_task, e.last_task), &e.component, "no-such-node", 6700))
        .collect();
    rows.push(row(TaskRange::new(900, 901), "split", "no-such-node", 6700));
    let garbled = rows[0].executor.to_string();
    let at = Timestamp::from_millis(0);
    let settings = StoreSettings {
        kind: StoreKind::Redis,
        url: product.redis_url()?,
        ..StoreSettings::default()
    };
    RedisStore::open(&settings)?.publish(&RoutingTable::new(
        "mistaken",
        &info.id,
        known.epoch + 1,
        at,
        rows,
    ))?;
    let nodes = format!("thalweg:{{{}}}:N", info.id);
    redis::pipe()
        .hset(nodes, garbled, "not JSON")
        .hset("thalweg:{ghost-1-1}:meta", "layout", 9)
        .sadd("thalweg:topologies", "ghost-1-1")
        .exec(&mut redis)?;
    Ok(())
}

fn a_lost_node_costs_the_others_nothing(product: &mut Product) -> Result<()> {
    let info = product.storm.control().info("words")?;
    let lost = product.storm.nodes()[1].site.host.clone();
    let on = |host_is_lost: bool| -> BTreeSet<u16> {
        let there = info.executors.iter().filter(|e| (e.host == lost) == host_is_lost);
        there.map(|executor| executor.port).collect()
    };
    let kept = on(false);
    ensure!(!on(true).is_empty() && !kept.is_empty(), "both nodes should hold workers: {info:?}");
    let before = pids_of(product.storm.dir(), &kept);
    product.storm.kill_node(2)?;
    product.wait("a placement without the lost node", || {
        let info = product.storm.control().info("words")?;
        let there = info.executors.iter().any(|executor| executor.host == lost);
        Ok((!there).then_some(()))
    })?;
    product.wait_assigned("words", info.executors.len())?;
    let after = pids_of(product.storm.dir(), &kept);
    ensure!(before == after, "workers {before:?} became {after:?}\n{}", product.evidence());
    product.wait_output("words", FLOWS)?;
    let now = product.storm.control().info("words")?;
    ensure!(truth(&product.storm, &now)?.len() == info.executors.len(), "{now:?}");
    Ok(())
}

/// Nobody waits for the workers of a topology that was killed while it was stopped.
fn a_plan_ends_with_its_topology(product: &mut Product) -> Result<()> {
    product.restart_nimbus(&[
        ("thalweg.action.method", json!("drain")),
        ("thalweg.monitor.interval.secs", json!(2)),
    ])?;
    let executors = product.storm.control().info("words")?.of("split").count();
    let other = if executors > 1 { executors - 1 } else { executors + 1 };
    let counts = json!({ "split": other });
    product.order(&json!({ "topology": "words", "counts": counts, "adopt": true }))?;
    let plan = product.wait("a stopped topology", || {
        let stopped = product.storm.control().info("words")?.status == "INACTIVE";
        Ok(product.status()?.plan.filter(|_| stopped))
    })?;
    product.storm.control().kill("words", 0)?;
    let ended = product.wait_within(FORGOTTEN_PLAN, "the end of the plan", || {
        let ended = product.status()?.ended;
        Ok(ended.into_iter().find(|ended| ended.plan.id == plan.plan.id))
    })?;
    ensure!(ended.code.as_deref() == Some("PLAN_OUTDATED"), "{ended:?}\n{}", product.evidence());
    Ok(())
}
