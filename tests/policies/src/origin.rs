//! Where a measurement comes from.

use std::path::Path;
use std::process::Command;

/// The commit that is measured.
pub fn commit(root: &Path) -> String {
    let found =
        Command::new("git").arg("-C").arg(root).args(["rev-parse", "--short", "HEAD"]).output();
    let text = found.ok().and_then(|output| String::from_utf8(output.stdout).ok());
    text.map_or("unknown".to_owned(), |text| text.trim().to_owned())
}

/// The machine it is measured on.
pub fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    format!("{} {}, {cores} cores", std::env::consts::OS, std::env::consts::ARCH)
}
