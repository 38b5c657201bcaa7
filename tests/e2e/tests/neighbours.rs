//! While one topology is changed, others come, go and run as if nothing happened.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use thalweg_e2e::product::{Product, text};
use thalweg_e2e::workers::{pids, pids_of, ports, supervisors};
use thalweg_e2e::{LIMIT, status::EndedPlan};
use thalweg_lab::control::TopologyInfo;

const LINES: f64 = 20.0;
/// Nimbus tells the supervisor, a slot notices, a worker ends. A supervisor that learns it by itself takes up to ten
/// seconds more.
const ENDED: Duration = Duration::from_secs(9);
/// Several scheduling rounds.
const CALM: Duration = Duration::from_secs(12);

#[test]
fn topologies_come_and_go_beside_an_action() -> Result<()> {
    let mut product = Product::roomy(&[
        ("thalweg.policy", text("static")),
        ("thalweg.action.method", text("make-before-break")),
        ("thalweg.monitor.interval.secs", json!(1)),
        ("thalweg.headroom.components", json!(["split"])),
    ])?;
    let words = product.word_count("words").set("workers", 2);
    let info = product.run(&words, LINES)?;
    let host = &info.of("split").next().context("no split")?.host;
    let steady = small(&product, "steady")?;
    let doomed = small(&product, "doomed")?;
    let running = pids_of(product.storm.dir(), &ports(&steady));
    let daemons = supervisors(product.storm.dir());

    // Elsewhere, as nothing can run twice on one node: where it would go otherwise is up to what nodes have to do just then.
    product.order(&json!({ "topology": "words", "counts": { "split": 2 }, "leave": [host] }))?;
    let plan = product.wait("new workers to be asked for", || {
        Ok(product.status()?.plan.filter(|plan| plan.state == "preparing"))
    })?;
    let doomed_workers = pids_of(product.storm.dir(), &ports(&doomed));
    ensure!(!doomed_workers.is_empty(), "nothing to kill: {doomed:?}");
    product.storm.control().kill("doomed", 0)?;
    product.wait_within(ENDED, "the end of a killed topology's workers", || {
        let left: Vec<u32> = pids(product.storm.dir())
            .into_values()
            .filter(|pid| doomed_workers.values().any(|old| old == pid))
            .collect();
        ensure!(left.is_empty(), "still running: {left:?}");
        Ok(Some(()))
    })?;
    let status = product.status()?;
    let under_way = status.plan.is_some_and(|active| active.plan.id == plan.plan.id);
    ensure!(under_way, "ended too early: {:?}\n{}", status.ended.first(), product.evidence());
    let late = small(&product, "late")?;

    let ended: EndedPlan = product.wait("the end of the plan", || {
        let ended = product.status()?.ended;
        Ok(ended.into_iter().find(|ended| ended.plan.id == plan.plan.id))
    })?;
    ensure!(ended.code.is_none(), "given up: {ended:?}\n{}", product.evidence());
    ensure!(ended.how == "make_before_break", "{ended:?}");
    let now = product.storm.control().info("late")?;
    ensure!(now.assignment() == late.assignment(), "moved: {now:?}");
    ensure!(
        running == pids_of(product.storm.dir(), &ports(&steady)),
        "restarted\n{}",
        product.evidence()
    );
    ensure!(daemons == supervisors(product.storm.dir()), "halted\n{}", product.evidence());
    no_slot_was_promised_twice(&product)?;
    let info = product.wait_assigned("words", ended.plan.rows.len())?;
    apart(&[&info, &steady, &late])?;
    without_thalweg_nothing_moves(&mut product, &info, &steady, &late)?;
    product.stop()
}

/// Storm's own scheduler places a topology anew that uses fewer workers than were asked for, but none that Thalweg has
/// placed while it only observes, and none that uses all that were asked for once Thalweg is gone.
fn without_thalweg_nothing_moves(
    product: &mut Product,
    words: &TopologyInfo,
    steady: &TopologyInfo,
    late: &TopologyInfo,
) -> Result<()> {
    let before = [words, steady, late].map(|info| pids_of(product.storm.dir(), &ports(info)));
    let [_, more, enough] = before.each_ref().map(BTreeMap::len);
    ask_for_workers(product, steady, more + 1)?;
    ask_for_workers(product, late, enough)?;
    let same = |product: &Product, some: &[&TopologyInfo]| {
        let kept = [words, steady, late].into_iter().zip(&before);
        for (info, before) in kept.filter(|(info, _)| some.iter().any(|one| one.id == info.id)) {
            let now = pids_of(product.storm.dir(), &ports(info));
            ensure!(now == *before, "workers of {} {before:?} became {now:?}", info.name);
        }
        Ok(())
    };
    same(product, &[words, steady, late])?;

    product.restart_nimbus(&[("thalweg.mode", text("observe"))])?;
    product.wait("rounds in which nothing is decided", || {
        let status = product.status()?;
        Ok((status.mode == "observe" && status.decision("steady").is_some()).then_some(()))
    })?;
    settle(product, steady)?;
    product.stays(CALM, || same(product, &[words, steady, late]))?;

    product.restart_nimbus(&[
        ("storm.scheduler", Value::Null),
        ("nimbus.topology.validator", Value::Null),
    ])?;
    product.wait("Storm's own scheduler to spread what asked for more", || {
        let now = product.storm.control().info("steady")?;
        Ok((now.assignment() != steady.assignment()).then_some(()))
    })?;
    product.stays(CALM, || same(product, &[late]))
}

/// Tells Storm how many workers a topology is to have; Thalweg leaves each executor where it is.
fn ask_for_workers(product: &Product, topology: &TopologyInfo, workers: usize) -> Result<()> {
    let workers = Some(u32::try_from(workers)?);
    product.storm.control().rebalance(&topology.name, 0, &BTreeMap::new(), workers)?;
    settle(product, topology)
}

/// Waits until a leader has heard of every executor, and with that schedules.
fn settle(product: &Product, topology: &TopologyInfo) -> Result<()> {
    product.wait_assigned(&topology.name, topology.executors.len()).map(drop)
}

fn small(product: &Product, name: &str) -> Result<TopologyInfo> {
    let topology = product.word_count(name).set("workers", 1);
    product.storm.submit(&topology, LIMIT).with_context(|| product.evidence())
}

fn no_slot_was_promised_twice(product: &Product) -> Result<()> {
    for log in product.storm.logs() {
        let text = fs::read_to_string(&log).unwrap_or_default();
        let twice =
            text.lines().find(|line| line.contains("multiple topologies assigned to one port"));
        ensure!(twice.is_none(), "{}: {twice:?}", log.display());
    }
    Ok(())
}

fn apart(topologies: &[&TopologyInfo]) -> Result<()> {
    let mut owners: BTreeMap<(String, u16), &str> = BTreeMap::new();
    for info in topologies {
        for executor in &info.executors {
            let slot = (executor.host.clone(), executor.port);
            let owner = *owners.entry(slot.clone()).or_insert(&info.id);
            ensure!(owner == info.id, "{slot:?} belongs to {owner} and {}", info.id);
        }
    }
    Ok(())
}
