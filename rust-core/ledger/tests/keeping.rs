//! What is kept, and how it is read page by page.
#![allow(clippy::unwrap_used)]

mod support;

use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use support::{Quick, entry, ledger, open, segments, settings};
use thalweg_ledger::{Ask, Fault, Limits, Writer, page, verify};

const ALL: Ask<'_> =
    Ask { before: None, after: 0, topology: None, kind: None, limit: 10, bytes: 1 << 20 };

#[test]
fn whole_old_segments_are_dropped_and_the_rest_still_verifies() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits { bytes: 1 << 20, age_ms: 0 };
    let open = || Writer::open(settings(folder.path(), limits), Box::new(Quick)).unwrap();
    let mut writer = open();
    for n in 0..6000 {
        writer.append(&[entry(n)]).unwrap();
        writer.retain(0).unwrap();
        if n == 4000 {
            drop(writer);
            writer = open();
        }
    }
    drop(writer);
    let bytes: u64 = segments(folder.path()).iter().map(|p| fs::metadata(p).unwrap().len()).sum();
    assert!(bytes < limits.bytes + (128 << 10), "{bytes}");
    let report = verify(folder.path(), &[], &[]).unwrap();
    assert!(report.findings.is_empty() && report.first > 1, "{report:?}");
    // Whoever takes one more away has no record that tells of it.
    fs::remove_file(&segments(folder.path())[0]).unwrap();
    let found = verify(folder.path(), &[], &[]).unwrap().findings;
    assert!(matches!(found[0].fault, Fault::BeginningMissing { .. }), "{found:?}");
}

#[test]
fn a_writer_that_was_killed_while_it_dropped_segments_leaves_a_whole_ledger() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits { bytes: 150_000, age_ms: 0 };
    let mut writer = Writer::open(settings(folder.path(), limits), Box::new(Quick)).unwrap();
    for n in 0..1500 {
        writer.append(&[entry(n)]).unwrap();
    }
    let before = support::copy(folder.path());
    writer.retain(0).unwrap();
    drop(writer);
    let left = segments(folder.path()).len();
    let all = segments(before.path());
    assert!(all.len() - left >= 3, "{} of {}", left, all.len());
    // The newer ones of those that were dropped are still there.
    for kept in &all[1..all.len() - left] {
        fs::copy(kept, folder.path().join(kept.file_name().unwrap())).unwrap();
    }
    let report = verify(folder.path(), &[], &[]).unwrap();
    assert!(report.findings.is_empty(), "{:?}", report.findings);
}

#[test]
fn what_is_too_old_is_dropped_after_a_restart_too() {
    let folder = tempfile::tempdir().unwrap();
    let day = 86_400_000;
    let limits = Limits { bytes: 1 << 20, age_ms: day };
    let open = || Writer::open(settings(folder.path(), limits), Box::new(Quick)).unwrap();
    let mut writer = open();
    for n in 0..600 {
        writer.append(&[entry(n)]).unwrap();
    }
    drop(writer);
    let old = segments(folder.path());
    assert!(old.len() > 2, "{}", old.len());
    for path in &old[..2] {
        let file = File::options().write(true).open(path).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(100_000)).unwrap();
    }
    let mut writer = open();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis();
    writer.retain(i64::try_from(now).unwrap()).unwrap();
    drop(writer);
    assert_eq!(segments(folder.path()), old[2..]);
    let report = verify(folder.path(), &[], &[]).unwrap();
    assert!(report.findings.is_empty() && report.first > 1, "{report:?}");
}

#[test]
fn pages_are_the_newest_first_and_meet_without_a_gap() {
    let folder = tempfile::tempdir().unwrap();
    let limits = Limits { bytes: 1 << 20, age_ms: 0 };
    let mut writer = Writer::open(settings(folder.path(), limits), Box::new(Quick)).unwrap();
    for n in 0..1000 {
        writer.append(&[entry(n)]).unwrap();
    }
    assert!(segments(folder.path()).len() > 3);
    let mut seen = Vec::new();
    let mut ask = Ask { limit: 77, kind: Some("decision"), ..ALL };
    loop {
        let read = page(folder.path(), &ask).unwrap();
        seen.extend(read.records.iter().map(|record| record.told()["n"].as_u64().unwrap()));
        ask.before = read.records.last().map(|record| record.seq);
        if !read.more {
            break;
        }
    }
    assert_eq!(seen, (0..1000).rev().collect::<Vec<u64>>());
    let of_one = page(folder.path(), &Ask { topology: Some("words1"), limit: 2, ..ALL }).unwrap();
    let numbers = of_one.records.iter().map(|record| record.told()["n"].as_u64().unwrap());
    assert_eq!(numbers.collect::<Vec<_>>(), [997, 994]);
    assert!(of_one.more);
    let newest = of_one.records[0].seq;
    let later = page(folder.path(), &Ask { after: newest, limit: 100, ..ALL }).unwrap();
    assert_eq!((later.records.len(), later.more), (2, false));
    let few = page(folder.path(), &Ask { bytes: 1, limit: 100, ..ALL }).unwrap();
    assert_eq!((few.records.len(), few.more), (1, true));
}

#[test]
fn an_empty_ledger_has_an_empty_page() {
    let folder = tempfile::tempdir().unwrap();
    assert!(page(folder.path(), &ALL).unwrap().records.is_empty());
    assert!(page(&folder.path().join("none"), &ALL).is_err());
    ledger(folder.path(), 0);
    let read = page(folder.path(), &ALL).unwrap();
    assert_eq!(read.records.iter().map(|r| r.kind.as_str()).collect::<Vec<_>>(), ["opened"]);
    let _ = open(folder.path());
}
