//! Two Nimbuses: whoever leads next goes on from what the other left, whatever happened to it and whenever.
//!
//! Not each moment meets each fault: each moment, fault, store and way of acting is there, and the pairs in which the
//! former leader lives on are there twice.

use anyhow::{Context, Result};
use serde_json::Value;
use thalweg_e2e::pair::{Fault, Moment, leader};
use thalweg_e2e::product::{Kept, Product, draining_by_order};
use thalweg_e2e::succession::{Beside, Case, FLOWS, LINES, beside_by_order, survives_one};
use thalweg_lab::network::Network;
use thalweg_lab::skipped;

#[test]
fn a_topology_that_is_drained_runs_on_under_another_leader() -> Result<()> {
    let cases = [
        (Moment::Preparing, Fault::Killed, Beside::Nothing),
        (Moment::Held, Fault::Paused, Beside::Submitted),
        (Moment::Stopped, Fault::Paused, Beside::Killed),
        (Moment::Committed, Fault::Killed, Beside::Nothing),
        (Moment::Stopped, Fault::CutOff, Beside::Nothing),
    ];
    survives("drained", Kept::InFiles, &draining_by_order(), &cases)
}

#[test]
fn a_topology_that_gets_new_workers_runs_on_under_another_leader() -> Result<()> {
    let cases = [
        (Moment::Published, Fault::Stopped, Beside::Nothing),
        (Moment::Switched, Fault::Paused, Beside::Submitted),
        (Moment::Started, Fault::Killed, Beside::Killed),
        (Moment::Held, Fault::CutOff, Beside::Nothing),
    ];
    survives("beside", Kept::InFiles, &beside_by_order(), &cases)
}

#[test]
fn with_a_shared_store_a_topology_runs_on_under_another_leader() -> Result<()> {
    let cases = [
        (Moment::Started, Fault::Paused, Beside::Submitted),
        (Moment::Committed, Fault::Stopped, Beside::Killed),
        (Moment::Switched, Fault::CutOff, Beside::Nothing),
    ];
    survives("shared", Kept::InRedis, &beside_by_order(), &cases)
}

fn survives(what: &str, kept: Kept, settings: &[(&str, Value)], cases: &[Case]) -> Result<()> {
    if let Err(error) = Network::Namespaces.available() {
        skipped("two Nimbuses", &format!("{what}: {error:#}"));
        return Ok(());
    }
    let mut product = Product::with_standby(kept, settings)?;
    // Before, nobody takes what is submitted.
    leader(&product)?;
    let words = product.word_count("words").set("workers", 2);
    product.run(&words, LINES)?;
    product.wait_output("words", FLOWS)?;
    for (n, case) in cases.iter().enumerate() {
        eprintln!("== {what} {n}: {case:?}");
        survives_one(&mut product, case)
            .with_context(|| format!("{what} {n}: {case:?}\n{}", product.evidence()))?;
    }
    product.stop()
}
