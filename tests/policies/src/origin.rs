//! Where a measurement comes from.

use std::path::Path;
use std::process::Command;

/// The commit that is measured.
pub fn commit(root: &Path) -> String {
    told(root, &["rev-parse", "--short", "HEAD"])
}

/// The day of that commit, as `2026-12-24`.
pub fn day(root: &Path) -> String {
    told(root, &["log", "-1", "--format=%cs"])
}

fn told(root: &Path, question: &[&str]) -> String {
    let found = Command::new("git").arg("-C").arg(root).args(question).output();
    let text = found.ok().and_then(|output| String::from_utf8(output.stdout).ok());
    text.map_or("unknown".to_owned(), |text| text.trim().to_owned())
}

/// The machine it is measured on.
pub fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    format!("{} {}, {cores} cores", std::env::consts::OS, std::env::consts::ARCH)
}
