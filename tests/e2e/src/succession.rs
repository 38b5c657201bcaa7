//! How one Nimbus follows another: an ordered plan, a leader that fails on the way, and what has to hold in the end.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use serde_json::{Value, json};
use thalweg_lab::control::TopologyInfo;

use crate::LIMIT;
use crate::pair::{Fault, Moment, awaited, fails, folder, leader, returns, status};
use crate::product::{Product, WORDS_PER_LINE, draining_by_order, give_order, text};
use crate::routes::{connect, table, truth};
use crate::workers::pids;

/// Lines a second that the topology reads.
pub const LINES: f64 = 20.0;
/// Words a second that show that it works.
pub const FLOWS: f64 = 0.6 * LINES * WORDS_PER_LINE;
/// Source, counter and acker.
const OTHERS: usize = 3;
/// Several rounds, and looks of a leader that is back.
const CALM: Duration = Duration::from_secs(12);

/// Where loads say that a worker is best replaced on its own node, new workers are not possible, and the plan is given up.
const TRIES: usize = 3;

/// What is done with another topology while one leader follows the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beside {
    /// Nothing.
    Nothing,
    /// It is submitted.
    Submitted,
    /// It is killed.
    Killed,
}

/// When, what, and beside what.
pub type Case = (Moment, Fault, Beside);

/// What gives a topology new workers beside the old ones for each order that changes the count of `split`.
pub fn beside_by_order() -> [(&'static str, Value); 3] {
    let mut settings = draining_by_order();
    settings[0].1 = text("make-before-break");
    settings
}

/// Orders a plan, lets the leader fail when it is so far, and sees to it that all is well in the end.
///
/// # Errors
/// When something is not well, or a process fails or is late.
pub fn survives_one(product: &mut Product, &(moment, fault, beside): &Case) -> Result<()> {
    if fault == Fault::CutOff && leader(product)? == 0 {
        // Only the standby's machine has a plug that nobody else hangs on.
        fails(product, 0, Fault::Stopped)?;
        returns(product, 0, Fault::Stopped)?;
    }
    let old = leader(product)?;
    let before = whole(product, &[])?;
    let ordered = if before.of("split").count() == 1 { 2 } else { 1 };
    let order = json!({ "topology": "words", "counts": { "split": ordered } });
    let mut plan = Err(anyhow!("nothing was ordered"));
    for _ in 0..TRIES {
        plan = plan.or_else(|_| {
            give_order(&folder(product, old), &order)?;
            awaited(product, "words", old, moment)
        });
    }
    let plan = plan?;
    if beside == Beside::Killed {
        product.storm.control().kill("other", 0)?;
    }
    fails(product, old, fault)?;
    // Whose process stands still or is gone says no more, so this is how far it was.
    let caught = Moment::of(&status(product, old)?.plan.unwrap_or(plan.clone()));
    eprintln!("caught when it was {caught:?}");
    let new = leader(product)?;
    product.wait("the topology to run again", || {
        let status = product.storm.control().info("words")?.status;
        Ok((status == "ACTIVE").then_some(()))
    })?;
    product
        .wait("the end of the plan", || Ok(status(product, new)?.plan.is_none().then_some(())))?;
    // Supervisors wait for a Nimbus that stands still, so executors report only when it is back.
    returns(product, old, fault)?;
    if beside == Beside::Submitted {
        let other = product.word_count("other");
        product.storm.submit(&other, LIMIT).with_context(|| product.evidence())?;
    }
    // A leader that goes over to the plan may fail before the other can see that it did: then the plan is taken back.
    let counts = match caught {
        _ if moment == Moment::Held => vec![OTHERS + ordered],
        Moment::Published | Moment::Preparing => vec![before.executors.len()],
        _ => vec![before.executors.len(), OTHERS + ordered],
    };
    let settled = whole(product, &counts)?;
    nobody_else_runs(product)?;
    product.stays(CALM, || {
        let now = product.storm.control().info("words")?;
        ensure!(now.status == "ACTIVE", "stopped: {now:?}");
        ensure!(now.assignment() == settled.assignment(), "an old plan ran again: {now:?}");
        let anew = [old, new].map(|which| status(product, which).ok().and_then(|s| s.plan));
        ensure!(anew.iter().all(Option::is_none), "of {}: {anew:?}", plan.plan.id);
        Ok(())
    })?;
    nobody_else_runs(product)?;
    if let Ok(url) = product.redis_url() {
        product.wait("the assignment as its table in Redis", || {
            let table = table(&mut connect(&url)?, &settled.id)?.context("no table")?;
            let truth = truth(&product.storm, &settled)?;
            ensure!(table.places == truth, "table {:?} but truth {truth:?}", table.places);
            Ok(Some(()))
        })?;
    }
    product.wait_output("words", FLOWS)
}

/// Waits until the topology is active, has as many executors as one of these counts says, and each reports.
fn whole(product: &Product, counts: &[usize]) -> Result<TopologyInfo> {
    product.wait("a whole topology", || {
        let info = product.storm.control().info("words")?;
        let right = counts.is_empty() || counts.contains(&info.executors.len());
        Ok((info.status == "ACTIVE" && info.all_report() && right).then_some(info))
    })
}

/// Waits until the workers that run are those that Nimbus knows of, in all topologies.
fn nobody_else_runs(product: &Product) -> Result<()> {
    product.wait("no worker but those that Nimbus knows of", || {
        let mut known: BTreeMap<u16, String> = BTreeMap::new();
        for topology in product.storm.control().topologies()? {
            let info = product.storm.control().info(&topology.name)?;
            known.extend(info.executors.iter().map(|e| (e.port, topology.name.clone())));
        }
        let running: BTreeSet<u16> = pids(product.storm.dir()).into_keys().collect();
        ensure!(known.keys().copied().eq(running.iter().copied()), "{known:?} but {running:?}");
        Ok(Some(()))
    })
}
