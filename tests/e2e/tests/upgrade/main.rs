//! From a former version to this one and back, each time with a plan under way: `make upgrade-test`.

mod flink;
mod storm;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use thalweg_e2e::THALWEG;

/// The jar of the version before that this variable names, which is another one than ours.
fn former(variable: &str, ours: &Path) -> Result<PathBuf> {
    let jar = std::env::var(variable).with_context(|| format!("{variable} names no jar"))?;
    ensure!(fs::read(&jar).context(jar.clone())? != fs::read(ours)?, "{jar} is ours");
    Ok(jar.into())
}

/// What either version wrote into the ledger of this folder is as it was written.
fn ledger_is_as_written(folder: &Path) -> Result<()> {
    let ledger = folder.join("ledger");
    let verified = Command::new(THALWEG).args(["ledger", "verify"]).arg(&ledger).output()?;
    let told = String::from_utf8_lossy(&verified.stdout);
    ensure!(verified.status.success(), "{}: {told}", ledger.display());
    Ok(())
}
