//! What `thalweg doctor` finds on a real cluster.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use thalweg_control::socket::NAME;
use thalweg_control::{Command, Request, call};

use crate::product::LIMIT;

/// A finding in brief: the topology that it is about, or nothing, and its code.
pub type Finding = (String, String);

/// What is found through the socket in an engine's folder.
///
/// # Errors
/// When the engine refuses, or does not answer.
pub fn findings(folder: &Path) -> Result<BTreeSet<Finding>> {
    let answer = call(&folder.join(NAME), &Request::of(Command::Doctor {}), LIMIT)?;
    let found = answer["findings"].as_array().with_context(|| answer.to_string())?;
    let word = |finding: &Value, key: &str| finding[key].as_str().map(str::to_owned);
    let brief = |one: &Value| Some((word(one, "about")?, word(one, "code")?));
    found.iter().map(|one| brief(one).with_context(|| one.to_string())).collect()
}

/// Sees to it that all these are found, and nothing else but what may be.
///
/// # Errors
/// As [`findings`]; names what is missing, and what is a false alarm.
pub fn finds(folder: &Path, expected: &BTreeSet<Finding>, may_be: &[&str]) -> Result<()> {
    let found = findings(folder)?;
    let missing: Vec<&Finding> = expected.difference(&found).collect();
    let alarms = found.difference(expected).filter(|(_, code)| !may_be.contains(&code.as_str()));
    let alarms: Vec<&Finding> = alarms.collect();
    ensure!(
        missing.is_empty() && alarms.is_empty(),
        "missing {missing:?}, false alarms {alarms:?}"
    );
    Ok(())
}

/// A finding about the topology of this name, or about none.
pub fn finding(about: &str, code: &str) -> Finding {
    (about.to_owned(), code.to_owned())
}

/// Findings, each about the topology of a name, or about none.
pub fn all(faults: &[(&str, &str)]) -> BTreeSet<Finding> {
    faults.iter().map(|(about, code)| finding(about, code)).collect()
}
