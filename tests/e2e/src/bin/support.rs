//! Takes the results of the last test runs into `docs/results/support.json`, and writes the support matrix from them.
//!
//! Arguments: the project's folder, the tested commit, the day.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use thalweg_e2e::support::{Seen, page, read, results};

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().context("support FOLDER COMMIT DATE");
    let (root, commit, date) = (next()?, next()?, next()?);
    let root = Path::new(&root);
    let file = root.join("docs/results/support.json");
    let mut kept = read(&file)?;
    for log in ["real-clusters.log", "thorough.log", "zoo.log"] {
        let log = root.join("target/test-logs").join(log);
        if !log.exists() {
            continue;
        }
        let text = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
        for (test, passed) in results(&text) {
            kept.insert(test, Seen { passed, commit: commit.clone(), date: date.clone() });
        }
    }
    fs::write(&file, serde_json::to_string_pretty(&kept)? + "\n")?;
    fs::write(root.join("docs/reference/support.md"), page(&kept))?;
    Ok(())
}
