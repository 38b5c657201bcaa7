//! Where Thalweg may not or cannot act, Storm's own scheduler does all the work, undisturbed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use thalweg_e2e::LIMIT;
use thalweg_e2e::advice::storm_grows;
use thalweg_e2e::beside::storm::counts_follow;
use thalweg_e2e::product::{Product, WORDS_PER_LINE, text};
use thalweg_e2e::workers::pids;
use thalweg_lab::control::TopologyInfo;

const LINES: f64 = 50.0;
/// More than one executor can wait for each line.
const SHORT_WAIT_MS: f64 = 30.0;
const CALM: Duration = Duration::from_secs(12);

#[test]
fn storms_own_scheduler_takes_over() -> Result<()> {
    let nowhere = text("/nowhere/libthalweg_jni.so");
    let mut product = Product::embedded(&[("thalweg.native.library", nowhere)])?;
    without_the_library_topologies_run(&mut product)?;
    from_beside_it_is_told_what_would_be_changed(&product)?;
    a_bad_setting_is_named_and_nothing_is_touched(&mut product)?;
    observing_explains_and_changes_nothing(&mut product)?;
    what_storm_placed_is_stopped_only_with_a_word(&mut product)?;
    product.storm.control().kill("words", 0)?;
    let short = product.word_count("beside").set("workers", 1).set("splitWait", SHORT_WAIT_MS);
    counts_follow(&mut product, &short.set("splitTasks", 4), "split")?;
    product.stop()
}

fn without_the_library_topologies_run(product: &mut Product) -> Result<()> {
    let words = product.word_count("words").set("workers", 2).set("splitCost", 2);
    let words = words.set("splitTasks", 4);
    let info = product.run(&words, LINES)?;
    is_round_robin(&info)?;
    product.wait_output("words", 0.8 * LINES * WORDS_PER_LINE)?;
    let log = product.nimbus_log()?;
    ensure!(
        log.contains("Thalweg cannot start and leaves all scheduling to Storm's own scheduler"),
        "{log}"
    );
    ensure!(log.contains("/nowhere/libthalweg_jni.so"), "the cause is not named: {log}");
    Ok(())
}

/// Of a topology whose one executor can do two thirds of what comes in, beside one that has enough.
fn from_beside_it_is_told_what_would_be_changed(product: &Product) -> Result<()> {
    let short = product.word_count("short").set("workers", 1).set("splitWait", SHORT_WAIT_MS);
    product.storm.submit(&short.set("splitTasks", 4), LIMIT).with_context(|| product.evidence())?;
    storm_grows(product, "short", "split")?;
    product.storm.control().kill("short", 0)?;
    product
        .wait("the end of its worker", || Ok((pids(product.storm.dir()).len() == 2).then_some(())))
}

fn a_bad_setting_is_named_and_nothing_is_touched(product: &mut Product) -> Result<()> {
    let placed = Placed::now(product)?;
    product.restart_nimbus(&[
        ("thalweg.native.library", Value::Null),
        ("thalweg.mode", text("nonsense")),
    ])?;
    let status = product.wait("a decision", || {
        Ok(Some(product.status()?).filter(|status| status.decision("words").is_some()))
    })?;
    ensure!(status.mode == "observe", "{status:?}");
    let named = |line: &str| line.contains("thalweg.mode") && line.contains("nonsense");
    ensure!(status.problems.iter().any(|problem| named(problem)), "{status:?}");
    let log = product.nimbus_log()?;
    ensure!(
        log.lines().any(|line| line.contains("ERROR") && named(line)),
        "{}",
        product.evidence()
    );
    placed.still(product)
}

fn observing_explains_and_changes_nothing(product: &mut Product) -> Result<()> {
    let placed = Placed::now(product)?;
    // The mode as it is shipped, and limits under which anything at all is trouble.
    product.restart_nimbus(&[
        ("thalweg.mode", Value::Null),
        ("thalweg.me-stream.capacity.limit", json!(0.01)),
        ("thalweg.imbalance.floor", json!(0.0)),
    ])?;
    let decision = product.wait("trouble that may not be acted upon", || {
        let decision = product.status()?.decision("words").cloned().context("no decision")?;
        let forbidden = decision.reasons.first().is_some_and(|first| first.code == "MODE_FORBIDS");
        Ok(forbidden.then_some(decision))
    })?;
    ensure!(product.status()?.mode == "observe", "{:?}", product.status());
    ensure!(decision.verdict == "hold" && decision.reasons.len() > 1, "{decision:?}");
    ensure!(decision.reasons.iter().all(|reason| !reason.text.is_empty()), "{decision:?}");
    product.stays(CALM, || placed.still(product))?;

    // What an operator orders is placed as Storm itself would.
    let two = BTreeMap::from([("split".to_owned(), 2)]);
    product.storm.control().rebalance("words", 0, &two, None)?;
    is_round_robin(&product.wait_assigned("words", 5)?)?;
    product.wait_output("words", 0.8 * LINES * WORDS_PER_LINE)
}

/// Sources share workers with operators, so that the first change stops the topology: that is said before, and held.
fn what_storm_placed_is_stopped_only_with_a_word(product: &mut Product) -> Result<()> {
    let placed = Placed::now(product)?;
    let before = product.storm.control().info("words")?;
    product.restart_nimbus(&[("thalweg.mode", text("act")), ("thalweg.policy", text("static"))])?;
    let decided = |product: &Product, code: &str| {
        let decision = product.status()?.decision("words").cloned().context("no decision")?;
        let said = |reason: &str| decision.reasons.iter().any(|given| given.code == reason);
        Ok((said(code) && said("ADOPTION_NEEDED")).then_some(decision))
    };
    product.wait("the cost of the first change", || decided(product, "POLICY_STATIC"))?;
    ensure!(product.nimbus_log()?.contains("the next change stops it"), "{}", product.evidence());
    // Half of the tasks of each executor, so that every worker changes.
    let mut order = json!({ "topology": "words", "counts": { "split": 4 } });
    product.order(&order)?;
    let held = product.wait("the order's answer", || decided(product, "ORDERED"))?;
    ensure!(held.verdict == "hold" && held.reasons[0].code == "ADOPTION_NEEDED", "{held:?}");
    placed.still(product)?;
    order["adopt"] = json!(true);
    product.order(&order)?;
    let ended = product.wait("the end of the plan", || Ok(product.status()?.ended.pop()))?;
    ensure!(ended.how == "drain_and_restart", "{ended:?}\n{}", product.evidence());
    let drained = ended.steps.iter().find(|step| step.step == "drain_and_restart.STARTED");
    ensure!(drained.is_some_and(|step| step.text.is_empty()), "not dry: {drained:?}");
    let now = product.wait_assigned("words", before.executors.len() + 2)?;
    let of = |component: &str| -> BTreeSet<u16> {
        let executors = now.executors.iter().filter(|executor| executor.component == component);
        executors.map(|executor| executor.port).collect()
    };
    ensure!(of("spout").is_disjoint(&of("split")), "not apart: {now:?}");
    Ok(())
}

/// Storm deals executors out to slots in turn, in the order of their tasks; Thalweg never does.
fn is_round_robin(info: &TopologyInfo) -> Result<()> {
    let mut executors = info.executors.clone();
    executors.sort_by_key(|executor| executor.first_task);
    let ports: Vec<u16> = executors.iter().map(|executor| executor.port).collect();
    let in_turn = ports.iter().zip(ports.iter().skip(2)).all(|(one, next)| one == next);
    ensure!(ports[0] != ports[1] && in_turn, "not Storm's own placement: {ports:?}");
    Ok(())
}

/// Where executors run, and in which processes.
#[derive(Debug, PartialEq)]
struct Placed {
    executors: BTreeMap<(String, u32, u32), (String, u16)>,
    workers: BTreeMap<u16, u32>,
}

impl Placed {
    fn now(product: &Product) -> Result<Self> {
        let executors = product.storm.control().info("words")?.assignment();
        let placed = Self { executors, workers: pids(product.storm.dir()) };
        ensure!(placed.workers.len() == 2, "{placed:?}");
        Ok(placed)
    }

    fn still(&self, product: &Product) -> Result<()> {
        let now = Self::now(product)?;
        ensure!(now == *self, "{self:?} became {now:?}");
        Ok(())
    }
}
