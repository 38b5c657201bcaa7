//! One Nimbus after the other.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use thalweg_e2e::pair::{Fault, Moment, folder, leader, returns, status};
use thalweg_e2e::product::{Kept, Product, draining_by_order, jar};
use thalweg_e2e::succession::{Beside, Case, FLOWS, LINES, beside_by_order, survives_one};

use super::{former, ledger_is_as_written};

#[test]
fn a_plan_beside_is_brought_to_an_end_by_whichever_version_leads_next() -> Result<()> {
    let cases = [
        (Moment::Started, Fault::Stopped, Beside::Nothing),
        (Moment::Committed, Fault::Stopped, Beside::Nothing),
        (Moment::Switched, Fault::Killed, Beside::Nothing),
        (Moment::Preparing, Fault::Killed, Beside::Nothing),
    ];
    goes_over_and_back("beside", Kept::InFiles, &beside_by_order(), &cases)
}

#[test]
fn a_drained_topology_runs_again_under_whichever_version_leads_next() -> Result<()> {
    let cases = [
        (Moment::Stopped, Fault::Stopped, Beside::Nothing),
        (Moment::Stopped, Fault::Killed, Beside::Nothing),
        (Moment::Committed, Fault::Killed, Beside::Nothing),
        (Moment::Held, Fault::Stopped, Beside::Nothing),
    ];
    goes_over_and_back("drained", Kept::InFiles, &draining_by_order(), &cases)
}

#[test]
fn what_two_versions_keep_in_one_redis_is_understood_by_both() -> Result<()> {
    let cases = [
        (Moment::Stopped, Fault::Killed, Beside::Nothing),
        (Moment::Committed, Fault::Stopped, Beside::Nothing),
        (Moment::Preparing, Fault::Stopped, Beside::Nothing),
        (Moment::Held, Fault::Killed, Beside::Nothing),
    ];
    goes_over_and_back("shared", Kept::InRedis, &draining_by_order(), &cases)
}

/// Upgrades and downgrades in turn, with a case each.
fn goes_over_and_back(
    what: &str,
    kept: Kept,
    settings: &[(&str, Value)],
    cases: &[Case],
) -> Result<()> {
    let ours = jar()?;
    let former = former("THALWEG_FORMER_STORM_JAR", &ours)?;
    let mut product = Product::with_standby(kept, settings)?;
    product.restart_with(&former)?;
    leader(&product)?;
    let words = product.word_count("words").set("workers", 2);
    product.run(&words, LINES)?;
    product.wait_output("words", FLOWS)?;
    let versions = [&ours, &former].into_iter().cycle();
    for (n, (case, next)) in cases.iter().zip(versions).enumerate() {
        let told = format!("{what} {n}: {case:?} to {}", next.display());
        eprintln!("== {told}");
        standby_runs(&mut product, next).context(told.clone())?;
        // Who ends as the leader comes back with the next version as well.
        survives_one(&mut product, case)
            .with_context(|| format!("{told}\n{}", product.evidence()))?;
        both_are_well(&product).context(told)?;
    }
    product.stop()
}

/// As the documentation has it: standbys first.
fn standby_runs(product: &mut Product, jar: &Path) -> Result<()> {
    let standby = 1 - leader(product)?;
    product.storm.exchange_daemon_jars(jar)?;
    product.storm.stop_nimbus_of(standby)?;
    returns(product, standby, Fault::Stopped)
}

/// Both understand their configuration, and what either wrote into its ledger is as it was written.
fn both_are_well(product: &Product) -> Result<()> {
    for which in [0, 1] {
        let said = status(product, which)?;
        ensure!(said.problems.is_empty(), "of {which}: {:?}", said.problems);
        ledger_is_as_written(&folder(product, which))?;
    }
    Ok(())
}
