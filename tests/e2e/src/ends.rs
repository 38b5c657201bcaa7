//! How Nimbus ends while a topology is stopped for a plan, and what must hold whoever starts it again.

use anyhow::{Context, Result, ensure};
use serde_json::json;

use crate::product::{Product, WORDS_PER_LINE, draining_by_order};

const LINES: f64 = 40.0;
const FLOWS: f64 = 0.6 * LINES * WORDS_PER_LINE;
/// Source, counter and acker.
const OTHERS: u32 = 3;

/// How Nimbus ends.
#[derive(Clone, Copy, Debug)]
pub enum End {
    /// At once, as by a power cut.
    Killed,
    /// As when its service is stopped.
    Stopped,
}

/// Ends Nimbus while a plan is in each of these states, and sees to it that the topology runs again each time.
///
/// # Errors
/// Names the state and the end after which it does not.
pub fn nothing_stays_stopped_by(ends: [(&str, End); 2]) -> Result<()> {
    let mut product = Product::embedded(&draining_by_order())?;
    let words = product.word_count("words").set("workers", 2);
    let info = product.run(&words, LINES)?;
    product.wait_output("words", FLOWS)?;
    let mut counts = info.of("split").count() as u32;
    for (state, end) in ends {
        counts = if counts == 1 { 2 } else { 1 };
        nimbus_ends(&mut product, state, end, counts)
            .with_context(|| format!("{end:?} while {state}"))?;
    }
    product.stop()
}

/// Orders a plan and ends Nimbus while the topology is stopped for it.
fn nimbus_ends(product: &mut Product, state: &str, end: End, split: u32) -> Result<()> {
    let ended = product.status()?.ended.len();
    product.order(&json!({ "topology": "words", "counts": { "split": split } }))?;
    let plan = product.wait("a topology stopped for a plan", || {
        let plan = product.status()?.plan.filter(|plan| plan.state == state);
        let stopped = status(product)? == "INACTIVE";
        Ok(plan.filter(|_| stopped))
    })?;
    match end {
        End::Killed => product.storm.kill_nimbus(),
        End::Stopped => product.storm.stop_nimbus()?,
    }
    product.restart_nimbus(&[])?;
    product
        .wait("the topology to run again", || Ok((status(product)? == "ACTIVE").then_some(())))?;
    product.wait("the end of the plan", || {
        let status = product.status()?;
        let over = status.ended.iter().find(|ended| ended.plan.id == plan.plan.id);
        Ok(over.filter(|_| status.plan.is_none()).map(|_| ()))
    })?;
    ensure!(product.status()?.ended.len() <= ended + 1, "{}", product.evidence());
    ensure!(status(product)? == "ACTIVE", "{}", product.evidence());
    if state == "committed" {
        product.wait_assigned("words", (OTHERS + split) as usize)?;
    }
    product.wait_output("words", FLOWS)
}

fn status(product: &Product) -> Result<String> {
    let topologies = product.storm.control().topologies()?;
    let words = topologies.into_iter().find(|topology| topology.name == "words");
    Ok(words.context("words is gone")?.status)
}
