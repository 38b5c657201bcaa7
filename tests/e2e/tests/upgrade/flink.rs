//! One JobManager after the other.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use thalweg_e2e::flink::jar;
use thalweg_e2e::flink_succession::{Case, Fault, Moment, Succession};

use super::{former, ledger_is_as_written};

#[test]
fn what_one_restarts_itself_is_brought_to_an_end_by_whichever_version_leads_next() -> Result<()> {
    goes_over_and_back(
        2,
        &[
            (Moment::Preparing, Fault::Stopped),
            (Moment::Bounded, Fault::Killed),
            (Moment::Committed, Fault::Stopped),
            (Moment::Preparing, Fault::Killed),
        ],
    )
}

#[test]
fn what_one_asked_of_flink_is_brought_to_an_end_by_whichever_version_leads_next() -> Result<()> {
    goes_over_and_back(
        1,
        &[
            (Moment::Bounded, Fault::Stopped),
            (Moment::Committed, Fault::Killed),
            (Moment::Bounded, Fault::Killed),
            (Moment::Committed, Fault::Stopped),
        ],
    )
}

/// Upgrades and downgrades in turn, with a case each.
fn goes_over_and_back(level: u8, cases: &[Case]) -> Result<()> {
    let ours = jar()?;
    let former = former("THALWEG_FORMER_FLINK_JAR", &ours)?;
    let mut two = Succession::begin(level, &former)?;
    let versions = [&ours, &former].into_iter().cycle();
    for (case, next) in cases.iter().zip(versions) {
        let told = format!("to {}", next.display());
        eprintln!("== {told}");
        standby_runs(&mut two, next).with_context(|| told.clone())?;
        // Who ends as the leader comes back with the next version as well.
        two.survives(case).with_context(|| told.clone())?;
        both_are_well(&two).context(told)?;
    }
    two.end()
}

/// As the documentation has it: standbys first.
fn standby_runs(two: &mut Succession, jar: &Path) -> Result<()> {
    let standby = two.standby();
    two.product.flink.exchange_library_jars(jar)?;
    two.product.flink.stop_job_manager_of(standby)?;
    two.product.start_job_manager_of(standby)
}

/// Who leads understands its configuration, and what either wrote into its ledger is as it was written. In a JobManager
/// that never led there is no Thalweg yet.
fn both_are_well(two: &Succession) -> Result<()> {
    let leads = 1 - two.standby();
    let said = two.product.status_of(leads)?;
    ensure!(said.problems.is_empty(), "of {leads}: {:?}", said.problems);
    for which in [0, 1] {
        let folder = two.product.store_of(which);
        if which == leads || folder.join("ledger").exists() {
            ledger_is_as_written(&folder)?;
        }
    }
    Ok(())
}
