//! `thalweg ledger verify`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use serde_json::{Value, json};
use thalweg_ledger::{Anchor, Finding, Place, PublicKey, Report, verify};

use super::folders;
use super::heads::Heads;
use crate::exit::Failure;
use crate::files::print_json;
use crate::live::remote::Server;

/// Findings that are shown of a ledger.
const SHOWN: usize = 10;

/// Tells whether ledgers are as they were written; names the first record that is not, with its place
#[derive(Debug, Args)]
pub struct Verify {
    /// The ledgers, or the folders that they lie in
    #[arg(required = true, value_name = "DIR")]
    folders: Vec<PathBuf>,
    /// A public key that may have signed them, as `thalweg ledger key` prints it; without, the one that the ledger itself names is believed
    #[arg(long, value_name = "KEY", value_parser = key)]
    key: Vec<PublicKey>,
    /// A record that is known from elsewhere, by its number and hash; of one ledger alone
    #[arg(long, value_name = "NUMBER:HASH", value_parser = anchor)]
    noted: Vec<Anchor>,
    /// A shared Redis in which schedulers note up to where their ledgers go: `redis://host:port`, or `rediss://` for TLS
    #[arg(long, value_name = "URL", env = "THALWEG_REDIS")]
    redis: Option<String>,
    #[command(flatten)]
    server: Server,
    /// Prints the result as JSON
    #[arg(long)]
    json: bool,
}

impl Verify {
    /// Runs the command.
    pub fn run(self) -> Result<(), Failure> {
        let folders = folders(&self.folders)?;
        if folders.len() > 1 && !self.noted.is_empty() {
            return Err(anyhow::anyhow!("--noted is of one ledger: verify that one alone").into());
        }
        let heads = match &self.redis {
            Some(url) => Heads::read(&self.server.settings(url)?)?,
            None => Heads::default(),
        };
        let mut wrong = 0;
        let mut told = Vec::new();
        let mut engines = BTreeSet::new();
        for folder in &folders {
            let look = |known: &[Anchor]| {
                verify(folder, &self.key, known).with_context(|| folder.display().to_string())
            };
            let mut report = look(&self.noted)?;
            // Which heads are its own is known only when it was read.
            let own = heads.of(&report.engines);
            if !own.is_empty() {
                report = look(&[&self.noted[..], &own[..]].concat())?;
            }
            let noted = self.redis.is_some().then_some(own.len());
            if self.json {
                told.push(as_json(folder, &report, noted));
            } else {
                tell(folder, &report);
                if let Some(noted) = noted {
                    println!("  {noted} of its records are noted in Redis");
                }
            }
            wrong += usize::from(!report.findings.is_empty());
            engines.append(&mut report.engines);
        }
        let gone = heads.without(&engines);
        if self.json {
            print_json(&json!({ "ledgers": told, "missing": gone }))?;
        }
        if wrong > 0 {
            let text = format!("{wrong} of {} ledgers are not as they were written", folders.len());
            return Err(Failure::Tampered(text));
        }
        if !gone.is_empty() {
            let text = format!(
                "Redis knows of ledgers of the same hosts that are none of these: {}; they were removed or replaced, or lie in other folders",
                gone.join(", ")
            );
            return Err(Failure::Tampered(text));
        }
        Ok(())
    }
}

/// What `tell` says, and every finding.
fn as_json(folder: &Path, report: &Report, noted: Option<usize>) -> Value {
    let place = |place: &Place| json!({ "file": place.file, "line": place.line });
    let finding =
        |one: &Finding| json!({ "place": place(&one.place), "fault": one.fault.to_string() });
    let gap = |(at, lost, why): &(Place, u64, String)| json!({ "place": place(at), "lost": lost, "why": why });
    json!({
        "ledger": folder, "whole": report.findings.is_empty(), "engines": report.engines,
        "records": report.records, "first": report.first, "last": report.last,
        "key": report.key.as_ref().map(|(key, given)| json!({ "key": key.to_string(), "given": given })),
        "findings": report.findings.iter().map(finding).collect::<Vec<_>>(),
        "gaps": report.gaps.iter().map(gap).collect::<Vec<_>>(),
        "unsigned": report.unsigned, "unfinished_bytes": report.unfinished, "noted_in_redis": noted,
    })
}

fn tell(folder: &Path, report: &Report) {
    let shown = folder.display();
    match report.findings.first() {
        None => {
            let last = report.last.as_ref().map_or(0, |last| last.seq);
            println!("{shown}: whole, {} records, {} to {last}", report.records, report.first);
        }
        Some(_) => println!("{shown}: not as it was written"),
    }
    for finding in report.findings.iter().take(SHOWN) {
        match finding.place.file.as_str() {
            "" => println!("  {}", finding.fault),
            _ => println!("  {}: {}", finding.place, finding.fault),
        }
    }
    if report.findings.len() > SHOWN {
        println!("  and {} more", report.findings.len() - SHOWN);
    }
    match &report.key {
        Some((key, true)) => println!("  signed by {key}"),
        Some((key, false)) => {
            println!("  signed by {key}, as the ledger itself says: give --key to be sure");
        }
        None => println!("  signed by nobody"),
    }
    if let Some(Anchor { seq, hash }) = &report.last {
        println!("  newest record, to be noted elsewhere: {seq}:{hash}");
    }
    if report.unsigned > 0 {
        println!("  {} records came after the last signature", report.unsigned);
    }
    if report.unfinished > 0 {
        println!("  {} bytes of an unfinished record at the end", report.unfinished);
    }
    for (place, lost, why) in &report.gaps {
        println!("  {place}: {lost} records were never written: {why}");
    }
}

fn key(text: &str) -> Result<PublicKey, String> {
    PublicKey::read(text).map_err(|error| error.to_string())
}

fn anchor(text: &str) -> Result<Anchor, String> {
    let expected =
        "a number, a colon and a hash of 64 digits, as `thalweg ledger verify` prints them";
    let parts = text.split_once(':').ok_or(expected)?;
    let (seq, hash) = (parts.0.parse().map_err(|_| expected)?, parts.1.to_lowercase());
    let is_hash = hash.len() == 64 && hash.bytes().all(|digit| digit.is_ascii_hexdigit());
    if is_hash { Ok(Anchor { seq, hash }) } else { Err(expected.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_noted_record_is_read_and_nonsense_is_not() {
        let hash = "ab".repeat(32);
        let read = anchor(&format!("812:{hash}"));
        assert_eq!(read, Ok(Anchor { seq: 812, hash: hash.clone() }));
        for wrong in ["812", "x:1", "812:abcd", &format!("812:{}", "xy".repeat(32))] {
            assert!(anchor(wrong).is_err(), "{wrong}");
        }
    }
}
