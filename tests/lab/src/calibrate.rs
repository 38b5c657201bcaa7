//! How much work a millisecond is, so that all runs on one machine do the same.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::dist::Dist;
use crate::java::Java;
use crate::process::Site;

const CALIBRATE: &str = "io.thalweg.topologies.Calibrate";

/// Turns of the burning loop per millisecond: measured once per machine by a program in this jar.
///
/// # Errors
/// When it cannot be run.
pub fn calibration(site: &Site, java: &Java, jar: &Path) -> Result<u64> {
    let folder = Dist::open()?.once("calibration", |draft| {
        let mut command = java.command(site, "64m");
        command.arg("-cp").arg(jar).arg(CALIBRATE);
        Ok(fs::write(draft.join("iterations-per-milli"), run(command)?)?)
    })?;
    let text = fs::read_to_string(folder.join("iterations-per-milli"))?;
    text.trim().parse().with_context(|| format!("not a number: {text}"))
}

/// What a program prints.
///
/// # Errors
/// With all it said when it fails.
pub fn run(mut command: Command) -> Result<String> {
    let output = command.output().context("cannot start java")?;
    if !output.status.success() {
        bail!(
            "{command:?} ended with {}: {}{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(String::from_utf8(output.stdout)?)
}
