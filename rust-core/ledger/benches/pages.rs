//! How long pages of a long ledger take, and to verify all of it.
//!
//! Fails where one takes longer than any machine should need.

#![allow(missing_docs, clippy::unwrap_used)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use support::{Quick, entry, settings};
use thalweg_ledger::{Ask, Entry, Limits, Writer, page, verify};

const ALL: Ask<'_> =
    Ask { before: None, after: 0, topology: None, kind: None, limit: 10, bytes: 1 << 20 };

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits { bytes: 1 << 30, age_ms: 0 };
    let mut writer = Writer::open(settings(folder.path(), limits), Box::new(Quick)).unwrap();
    let begun = Instant::now();
    for batch in 0..1000u64 {
        // As long as the decisions of a small topology.
        let of = |n: u64| Entry { why: "y".repeat(3000), ..entry(batch * 100 + n) };
        writer.append(&(0..100).map(of).collect::<Vec<_>>()).unwrap();
    }
    drop(writer);
    println!("100,000 records written in {:?}", begun.elapsed());
    let timed = |what: &str, ask: &Ask<'_>| {
        let begun = Instant::now();
        let read = page(folder.path(), ask).unwrap();
        println!("{what}: {} records in {:?}", read.records.len(), begun.elapsed());
        assert!(begun.elapsed() < Duration::from_secs(30));
    };
    let thousand = Ask { limit: 1000, bytes: 64 << 20, ..ALL };
    timed("the newest 20", &Ask { limit: 20, ..ALL });
    timed("the newest 1,000", &thousand);
    timed("1,000 from the middle", &Ask { before: Some(50_000), ..thousand });
    timed("the oldest 1,000", &Ask { before: Some(1000), ..thousand });
    timed("1,000 of one topology", &Ask { topology: Some("words1"), ..thousand });
    timed("of a topology that is not there", &Ask { topology: Some("none"), ..thousand });
    let begun = Instant::now();
    let report = verify(folder.path(), &[], &[]).unwrap();
    println!("{} records verified in {:?}", report.records, begun.elapsed());
    assert!(report.findings.is_empty());
}
