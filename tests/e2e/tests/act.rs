//! The loop in a real cluster, from a bottleneck to a plan that helped, and what the store holds meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use redis::Connection;
use serde_json::{Value, json};
use thalweg_e2e::THALWEG;
use thalweg_e2e::doctor::{all, finds};
use thalweg_e2e::product::{Product, TOPIC, WORDS_PER_LINE, now_ms};
use thalweg_e2e::routes::{Table, connect, table, traces, truth};
use thalweg_e2e::status::EndedPlan;
use thalweg_e2e::workers::{executed, listening, masters};
use thalweg_lab::control::TopologyInfo;

/// More than one executor can do, whatever else the processors do, as it waits for each line.
const LINES: f64 = 125.0;
const SPLIT_WAIT_MS: f64 = 10.0;
/// Five of the intervals in which bottlenecks are counted.
const CALM: Duration = Duration::from_secs(30);
/// Storm's own reporter of its daemons' metrics.
const CSV: &str = "org.apache.storm.daemon.metrics.reporters.CsvPreparableReporter";
/// The least that any worker does of its fair share.
const LEAST_SHARE: f64 = 0.25;

#[test]
fn a_bottleneck_is_relieved_once_and_the_store_follows() -> Result<()> {
    let reported = tempfile::tempdir()?;
    let mut product = Product::with_redis(&[
        ("thalweg.headroom.components", json!(["split"])),
        ("storm.daemon.metrics.reporter.plugins", json!([CSV])),
        ("storm.daemon.metrics.reporter.csv.log.dir", json!(reported.path())),
        ("storm.daemon.metrics.reporter.interval.secs", json!(2)),
    ])?;
    let words = product.word_count("words").set("workers", 2).set("splitWait", SPLIT_WAIT_MS);
    let info = product.run(&words, LINES)?;
    ensure!(tasks_and_executors(&info, "split") == (4, 1), "no head-room: {info:?}");

    let mut redis = connect(&product.redis_url()?)?;
    let placed = table_is_the_truth(&product, &mut redis, "words")?;
    let plan = acts_once(&product)?;
    let acted = table_is_the_truth(&product, &mut redis, "words")?;
    ensure!(acted.epoch > placed.epoch, "epochs {} and {}", placed.epoch, acted.epoch);
    holds_while_work_is_shared(&product, &plan)?;
    storms_reporters_see_it(&product, reported.path())?;
    the_doctor_is_right(&product)?;
    what_waits_in_kafka_is_told(&product)?;
    where_a_source_reads_is_found_by_itself(&product)?;
    nimbus_listens_where_storm_told_it_to_and_nowhere_else(&product)?;

    redis_may_go_and_come_back(&mut product, &acted)?;
    a_killed_topology_leaves_no_trace(&product)?;
    what_is_to_be_apart_is_placed_apart(&product)?;
    product.stop()
}

fn tasks_and_executors(info: &TopologyInfo, component: &str) -> (u32, usize) {
    let tasks = info.of(component).map(|e| e.last_task - e.first_task + 1).sum();
    (tasks, info.of(component).count())
}

/// Waits until Redis holds exactly what Storm runs.
fn table_is_the_truth(product: &Product, redis: &mut Connection, name: &str) -> Result<Table> {
    product.wait(&format!("{name}'s assignment as its table in Redis"), || {
        let info = product.storm.control().info(name)?;
        let table = table(redis, &info.id)?.context("no table")?;
        let truth = truth(&product.storm, &info)?;
        ensure!(table.places == truth, "table {:?} but truth {truth:?}", table.places);
        Ok(Some(table))
    })
}

/// Waits for the first action and its effect.
fn acts_once(product: &Product) -> Result<EndedPlan> {
    let begun = product.wait("a plan", || {
        let status = product.status()?;
        Ok((status.plan.is_some() || !status.ended.is_empty()).then(now_ms))
    })?;
    let before = product.rate("words", &(begun - 6_000..begun))?;
    let plan =
        product.wait("the end of the plan", || Ok(product.status()?.ended.first().cloned()))?;
    ensure!(plan.code.is_none(), "given up: {plan:?}\n{}", product.evidence());
    let desired = *plan.plan.counts.get("split").context("another component was to grow")?;
    let info = product.wait_assigned("words", 3 + desired)?;
    ensure!(tasks_and_executors(&info, "split") == (4, desired), "{info:?}");
    // Not worse; in truth better, but a busy machine gives no more than it has.
    product.wait_output("words", 0.95 * before.min(LINES * WORDS_PER_LINE))?;
    Ok(plan)
}

/// Nothing more is done for several intervals, and each worker does its part of the work.
fn holds_while_work_is_shared(product: &Product, plan: &EndedPlan) -> Result<()> {
    let earlier = product.storm.control().info("words")?;
    product.stays(CALM, || {
        let status = product.status()?;
        ensure!(status.ended.len() == 1 && status.plan.is_none(), "a second action: {status:?}");
        Ok(())
    })?;
    let later = product.storm.control().info("words")?;
    ensure!(later.of("split").count() == plan.plan.counts["split"], "{later:?}");
    let outcome =
        product.wait("the outcome", || Ok(product.status()?.outcomes.first().cloned()))?;
    ensure!(outcome.plan == plan.plan.id && outcome.helped, "{outcome:?}");

    let counts = executed(&earlier, &later, "split");
    let mut by_worker: BTreeMap<u16, (u64, u64)> = BTreeMap::new();
    for executor in later.of("split") {
        let (executors, tuples) = by_worker.entry(executor.port).or_default();
        *executors += 1;
        *tuples += counts[&executor.first_task];
    }
    let each = counts.values().sum::<u64>() as f64 / counts.len() as f64;
    for (port, (executors, tuples)) in by_worker {
        let fair = each * executors as f64;
        ensure!(
            tuples as f64 >= LEAST_SHARE * fair,
            "worker {port} did {tuples} of {fair}: {counts:?}"
        );
    }
    Ok(())
}

/// Redis has no password here and keeps nothing, and only one component was given tasks to spare.
fn the_doctor_is_right(product: &Product) -> Result<()> {
    let faults = [("", "STORE_OPEN"), ("", "STORE_FORGETS"), ("words", "NO_TASKS_LEFT")];
    finds(&product.folder(), &all(&faults), &[])
}

/// Storm's sources do not tell what waits before them; somebody beside the cluster counts it.
fn what_waits_in_kafka_is_told(product: &Product) -> Result<()> {
    let known = |product: &Product| -> Result<bool> {
        let status = std::fs::read_to_string(product.folder().join("status.json"))?;
        Ok(status.contains("\"backlog\":{\"spout\":"))
    };
    ensure!(!known(product)?, "Storm tells what waits before its sources");
    let mut command = Command::new(THALWEG);
    command.args(["lag", "--once", "--every", "60", "--tell", "words=spout", "--group", "words"]);
    command.args(["--topic", TOPIC, "--bootstrap", product.bootstrap(), "--dir"]);
    let output = command.arg(product.folder()).output().context(THALWEG)?;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(said.contains("before words, in 2 partitions"), "{output:?}");
    product.wait("what waits, in the status", || Ok(known(product)?.then_some(())))
}

/// KafkaSpout's configuration names servers, topics and group; who tells what waits there is recorded once, not each count.
fn where_a_source_reads_is_found_by_itself(product: &Product) -> Result<()> {
    let thalweg = |arguments: &[&str]| -> Result<Value> {
        let output =
            Command::new(THALWEG).args(arguments).arg("--dir").arg(product.folder()).output()?;
        let complaint = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{arguments:?}: {complaint}");
        Ok(serde_json::from_slice(&output.stdout)?)
    };
    for _ in 0..2 {
        let found = thalweg(&["lag", "--found", "--once", "--json", "--every", "60"])?;
        let source = &found["sources"][0];
        ensure!(found["sources"][1].is_null() && source["records"].is_u64(), "{found}");
        let of = [&source["topology"], &source["source"], &source["group"]];
        ensure!(of == [&json!("words"), &json!("spout"), &json!("words")], "{found}");
    }
    let history = thalweg(&["history", "words", "--json", "--limit", "1000"])?;
    let records = history["records"].as_array().context("records")?;
    let told: Vec<&Value> = records.iter().filter(|one| one["kind"] == "backlog").collect();
    ensure!(told.len() == 1 && told[0]["content"]["source"] == "spout", "{told:?}");
    Ok(())
}

fn nimbus_listens_where_storm_told_it_to_and_nowhere_else(product: &Product) -> Result<()> {
    let conf = std::fs::read_to_string(product.storm.nimbuses()[0].conf_file())?;
    let conf: Value = serde_json::from_str(&conf)?;
    let port = conf["nimbus.thrift.port"].as_u64().context("no port is set")?;
    let masters = masters(product.storm.dir());
    let nimbus = *masters.first().context("no Nimbus")?;
    let ports = listening(nimbus)?;
    ensure!(ports == BTreeSet::from([u16::try_from(port)?]), "{ports:?} instead of {port}");
    Ok(())
}

/// Whatever the user's reporters are, they see the engine and each topology.
fn storms_reporters_see_it(product: &Product, folder: &Path) -> Result<()> {
    let executors = product.storm.control().info("words")?.executors.len() as f64;
    let expected = [
        ("thalweg:engine-leads", 1.0),
        ("thalweg:engine-store-up", 1.0),
        ("thalweg:topology-executors:words", executors),
    ];
    product.wait("gauges in Storm's registry", || {
        for (name, value) in expected {
            let table = std::fs::read_to_string(folder.join(format!("{name}.csv")))?;
            let last = table.lines().last().and_then(|line| line.split(',').nth(1));
            let last: f64 = last.context("no value")?.parse()?;
            ensure!(last == value, "{name} is {last}");
        }
        Ok(Some(()))
    })
}

/// Topologies are placed without Redis, and an empty Redis gets their tables once it is back.
fn redis_may_go_and_come_back(product: &mut Product, known: &Table) -> Result<()> {
    product.redis()?.kill();
    product.wait("word of the outage", || Ok((!product.status()?.store.up).then_some(())))?;
    let faults = [("", "STORE_DOWN"), ("", "STORE_OPEN"), ("words", "NO_TASKS_LEFT")];
    finds(&product.folder(), &all(&faults), &[])?;
    let more = product.word_count("more").set("workers", 1);
    product.storm.submit(&more, thalweg_e2e::LIMIT).with_context(|| product.evidence())?;
    product.redis()?.restart()?;
    let mut redis = connect(&product.redis_url()?)?;
    let words = table_is_the_truth(product, &mut redis, "words")?;
    table_is_the_truth(product, &mut redis, "more")?;
    ensure!(words.epoch >= known.epoch, "epoch {} after {}", words.epoch, known.epoch);
    Ok(())
}

/// Components that exchange all their tuples would share nodes if nobody had asked for the contrary.
fn what_is_to_be_apart_is_placed_apart(product: &Product) -> Result<()> {
    let asked = json!({
        "spout": { "maxNodeCoLocationCnt": 1 },
        "split": { "incompatibleComponents": ["count"] },
    });
    let apart =
        product.word_count("apart").set("workers", 2).set("topology.ras.constraints", asked);
    let apart = apart.set("spouts", 2).set("split", 2).set("count", 2);
    let info =
        product.storm.submit(&apart, thalweg_e2e::LIMIT).with_context(|| product.evidence())?;
    let hosts = |component| info.of(component).map(|e| e.host.as_str()).collect::<BTreeSet<&str>>();
    ensure!(hosts("spout").len() == 2, "both sources on one node: {info:?}");
    ensure!(
        hosts("split").is_disjoint(&hosts("count")),
        "on one node: {info:?}\n{}",
        product.evidence()
    );
    Ok(())
}

fn a_killed_topology_leaves_no_trace(product: &Product) -> Result<()> {
    let mut redis = connect(&product.redis_url()?)?;
    for name in ["words", "more"] {
        let id = product.storm.control().info(name)?.id;
        product.storm.control().kill(name, 0)?;
        product.wait(&format!("the end of all traces of {name}"), || {
            let traces = traces(&mut redis, &id)?;
            ensure!(traces.is_empty(), "{traces:?}");
            Ok(Some(()))
        })?;
    }
    Ok(())
}
